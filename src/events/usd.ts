const picoDigits = 12

/** Whole pico-dollars (10⁻¹² US dollars) as exact US dollars, without exponent and without zeros at the end. */
export function formatUsd(picoUsd: string): string {
  const digits = picoUsd.replace('-', '').padStart(picoDigits + 1, '0')
  const fraction = digits.slice(-picoDigits).replace(/0+$/, '')
  const whole = `${picoUsd.startsWith('-') ? '-' : ''}${digits.slice(0, -picoDigits)}`
  return fraction ? `${whole}.${fraction}` : whole
}
