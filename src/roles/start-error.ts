/** Why the program cannot start, in a sentence for the person who typed the command. */
export class StartError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'StartError'
  }
}
