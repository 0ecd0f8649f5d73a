/**
 * What is usual, robustly (Leys et al. 2013, "Detecting outliers: Do not use standard deviation around the mean, use
 * absolute deviation around the median", https://doi.org/10.1016/j.jesp.2013.03.013): a few odd days do not move it.
 */
export interface Baseline {
  median: number
  /** Median absolute deviation, scaled to be a standard deviation where values are normally distributed. */
  spread: number
}

const toStandardDeviation = 1.4826
/** Leys et al. call 3 very conservative; money flows in heavier tails than people's reaction times. */
const deviations = 6
/** Fewer say nothing of what is usual. */
const leastSamples = 3

/** Undefined where there are too few samples. */
export function baselineOf(samples: readonly number[]): Baseline | undefined {
  if (samples.length < leastSamples) return undefined
  const median = medianOf(samples)
  const spread = medianOf(samples.map(sample => Math.abs(sample - median))) * toStandardDeviation
  return { median, spread }
}

/** Whether a value is far from what is usual: by its own variation, by a factor, and by at least `floor`. */
export function isFar(
  value: number,
  { median, spread }: Baseline,
  { factor, floor }: { factor: number; floor: number },
): 'rise' | 'fall' | undefined {
  const distance = Math.abs(value - median)
  if (distance < floor || distance < deviations * spread) return undefined
  if (value >= median * factor) return 'rise'
  return value <= median / factor ? 'fall' : undefined
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const [upper = 0, lower = upper] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle) - 1]]
  return (upper + lower) / 2
}
