/** How a rate limit of ours stands for a caller, once its call is counted. */
export interface LimitStanding {
  kind: 'requests' | 'tokens' | 'input_tokens' | 'output_tokens'
  /** What the limit allows in its window. */
  most: number
  left: number
  /** Until all of it is there again, in milliseconds. */
  resetMs: number
}
