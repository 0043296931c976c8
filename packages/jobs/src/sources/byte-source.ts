/** Bytes that can be read at any place: a file here, at an HTTP address or in a bucket. */
export interface ByteSource {
  /** The address, without credentials. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Changes when the contents change: modification time and size, or an entity tag. */
  readonly version: string;
  /** Exactly `length` bytes from `offset`, fewer at the end of the file. */
  read(offset: number, length: number): Promise<Buffer>;
  /** A path under which the whole file can be opened here; remote files are fetched to a temporary one, removed by `close`. */
  localPath(): Promise<string>;
  close(): Promise<void>;
}

export interface SourceFile {
  readonly name: string;
  open(): Promise<ByteSource>;
}
