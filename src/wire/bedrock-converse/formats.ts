/** Converse's names of image formats. */
export const imageFormats: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/gif': 'gif',
  'image/webp': 'webp',
}

const documentFormats: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'text/csv': 'csv',
  'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'text/html': 'html',
  'text/markdown': 'md',
  'application/json': 'txt',
}

/** Converse's name of a document's format; undefined where it has none. */
export function documentFormat(mediaType: string): string | undefined {
  return documentFormats[mediaType] ?? (mediaType.startsWith('text/') ? 'txt' : undefined)
}

/**
 * A document's name, which Converse wants always, in letters, digits, single blanks, hyphens, parentheses and square
 * brackets, 200 at most (DocumentBlock). Without an ending: the format says it, and a dot is refused.
 */
export function documentName(title: string | undefined, number: number): string {
  const plain = (title ?? '')
    .replace(/\.\w{1,5}$/, '')
    .replace(/[^a-zA-Z0-9\s\-()[\]]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 180)
  return plain === '' ? `Document ${number}` : plain
}
