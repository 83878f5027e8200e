/** The part of https://github.com/holepunchto/fs-native-extensions that is used here; it ships without types. */
declare module 'fs-native-extensions' {
  /** A lock of the open file (F_OFD_SETLK): whoever inherits the descriptor holds it too; gone when the last one closes it. False: another holds it. */
  export function tryLock(fd: number): boolean
}
