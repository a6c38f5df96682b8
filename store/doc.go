// Package store keeps messages for absent recipients in one bbolt file.
//
// [Open] opens the file. [Store.Begin] begins a message, whose body is written to the
// [Writer]. [Writer.Commit] places it after all earlier messages of the same sender and
// recipient, and [Pending.Wait] returns when it is on disk. Other methods list, read,
// delete, set aside and restore messages, and copy,
// check and compact the file. Package archive exports and imports messages.
//
// # Promises
//
// When Wait has returned nil, the message is on disk, fsynced, and survives the end of the
// process at any moment. A message without Commit is never visible. Deletes and other
// changes are on disk when they return nil. A failed commit, for example on a full disk,
// changes nothing.
//
// Messages are in the order of commits. Times are used for expiry and selection only.
// A message is a duplicate if a kept message has the same Message-ID, body, sender and
// recipient. It is not kept again; see [Pending.Duplicate].
//
// # Limits
//
// [Limits] bound what is kept. A message beyond one is refused with a [LimitError], and
// nothing of it stays. Nothing expires or is purged without a call.
//
// docs/store.md describes the file's layout, memory use, recovery and erasing.
//
// # Concurrency
//
// A Store is safe for concurrent use; a Writer and a body belong to one goroutine at a
// time. At any time, a file has either one Store that writes or any number of Stores that
// read. Open waits for another process for a while and then fails with [ErrLocked].
package store
