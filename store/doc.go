// Package store keeps messages for absent recipients in one bbolt file.
//
// # Usage
//
// [Open] opens the file. [Store.Begin] begins a message, whose body is written
// to the [Writer]; [Writer.Commit] puts it in its place behind all earlier
// messages of the same sender and recipient, and [Pending.Wait] returns when it
// is on disk. [Store.Messages] and [Store.Page] list what is kept for a recipient,
// oldest first, [Store.OpenBody] streams a body, and [Store.Delete] removes messages.
//
// [Store.SetAside] takes what cannot be delivered out of the lists until
// [Store.Restore], [Store.NoteRefusal] notes since when devices have refused one,
// [Store.Expire] deletes what is over its time, and
// [Store.Purge] what a [Filter] selects. [Store.Export] and [Store.Import]
// move messages between stores in the format of EXPORT.md, [Store.Backup] copies
// the file, [Store.Check] reads all of it, and [Store.Compact] writes it anew.
//
// # What is promised
//
// When Wait has returned nil, the message is on disk, fsynced, and survives the
// end of the process at any moment. A message whose Commit was not reached is
// never seen, and what was written of it is removed when the file is next opened.
// After Delete, SetAside, Restore, Expire or a purge has returned nil, that is on
// disk too. A commit that fails, on a full disk for one, changes nothing, and the
// store goes on.
//
// Order is that of commits, whatever the clock says: times are kept, and used for
// nothing but expiry and the filter of a purge.
//
// # Duplicates
//
// A message with the Message-ID and the body of one that is kept, from the same
// sender to the same recipient, is kept once; Wait returns nil, as it is on disk,
// and [Pending.Duplicate] tells. This is exact, also for messages that come at the
// same time and after the file was opened again. The body, by its SHA-256, is part
// of it because a client that counts from one in each session must not lose
// messages; one that repeats a message in a new session keeps its Message-ID (RFC
// 4975, section 5.4). It ends with the message: what is repeated after its delivery
// is a new message. A message without Message-ID is never a duplicate.
//
// # Layout
//
// What is written lies in the order of arrival, so that a commit fills pages
// instead of touching some for each message; BenchmarkLayouts compares. IDs fall
// into extents of 8,192, or of 16 MB if that is less. Bucket "data" has a bucket for
// each extent with the bodies of up to SegmentSize bytes by ID; longer bodies are in
// "bodies", by a number of their own and that of the segment. The records, which
// are the metadata, of the last extent are in "fresh" by ID; when the extent is full
// they are put together as one value in "sealed".
//
// A delete writes the ID to the log "dead", which costs eight bytes, and nothing
// else: the record and a short body stay until three quarters of an extent are
// deleted. Then the committer writes the extent anew without them, or removes it,
// one extent in a transaction; and takes IDs that nothing needs out of the log.
// Bucket "aside" has the reasons of what is set aside or was refused, and "open" the numbers of
// long bodies whose messages are not committed, which is how Open finds what to
// remove.
//
// Who has what is an index in memory, rebuilt at Open from the records; bodies are
// not read. It has numbers, a time and a hash for each message, the rest of the
// metadata is read from the file when it is asked for. In the code, the messages for one
// recipient are an inbox, and those of one sender in it a thread.
//
// One goroutine commits. It takes all that waits into one transaction, up to
// MaxBatch jobs or MaxBatchBytes, so that many writers share an fsync. When there
// were many the last time, it waits for as many to come again, for 2 ms at the
// most; a single writer waits for nobody.
//
// bbolt's list of free pages is written with each commit while it has no more
// than 16,384, which is 128 MB, and by Close. A file with it opens without looking
// at its pages. Without it, after a crash with much free space, bbolt looks at every
// page, which is prepared by reading the file in the order of the disk, if half of
// the memory can hold it.
//
// # Limits
//
// [Limits] bound what is kept; a message over one is refused with a
// [LimitError], and nothing of it stays. The limits are exact: the committer
// applies them in the order of commits. What is set aside counts, and so do bodies
// that are on disk before their messages are committed, to MaxTotalBytes. In
// memory a Writer holds at most two segments, the committer's queue at most
// MaxBatch jobs of one segment each, Import some hundred short messages, and
// Export one segment and the metadata of some hundred messages.
// The index takes some 360 bytes for a recipient with one message, and 100 for
// each further message of the same sender; MaxIndexBytes bounds it. Nothing expires
// or is purged unasked.
//
// # Concurrency
//
// A Store is safe for concurrent use; a Writer and a body belong to one
// goroutine at a time. Reading a body holds a read transaction for one segment
// only. Purges, expiry, exports and imports work in transactions of bounded size
// beside all else. A file is open for writing once, or read-only any number of
// times; Open waits a while for the other process, and fails with [ErrLocked].
//
// # Erasing
//
// Deleted bytes stay in the file, in extents that are not written anew yet and in
// free pages, until they are written over. To erase a user for good, purge what is
// kept for and from them, close the store, open it read-only, and put the file
// that Compact writes in its place. Copies that Backup and Export made are their
// holder's matter.
//
// # Caveats
//
// The file does not shrink; later messages fill what earlier ones left. A message
// whose metadata cannot be decoded does not keep the file from opening: it stays
// in it unseen, is counted in [Stats] and told of by Check, and its extent is never
// written anew. Check and Backup hold one read transaction while they run, so that
// the file grows instead of using pages again. On a full disk deletes may fail as
// well, as they write too: Limits.MinFree keeps some room. What bbolt keeps in
// memory maps counts as the process's memory in some displays, and is not.
package store
