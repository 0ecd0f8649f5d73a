/** The address of one thing that a model does. Newer SDKs of Google take `v1` where older ones take `v1beta`. */
export function modelPath(verb: string): RegExp {
  return new RegExp(`^/v1(?:beta)?/models/(?<model>.+):${verb}$`)
}
