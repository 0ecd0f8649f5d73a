/** In pico-dollars for a token, as the configuration of every scenario prices them. */
export const tokenRates = { input: 2_000_000n, cachedInput: 1_000_000n, output: 6_000_000n } as const
