// Package store keeps messages for absent recipients in one bbolt file.
//
// # Usage
//
// [Open] opens the file. [Store.Begin] begins a message, whose body is written
// to the [Writer]; [Writer.Commit] puts it in its place behind all earlier
// messages of the same sender and recipient, and [Pending.Wait] returns when it
// is on disk. [Store.Messages] lists what is kept for a recipient, oldest first,
// [Store.OpenBody] streams a body, and [Store.Delete] removes messages.
//
// # What is promised
//
// When Wait has returned nil, the message survives the end of the process at
// any moment. A message whose Commit was not reached is never seen, and what was
// written of it is removed when the file is next opened. After Delete has
// returned nil, the message is gone for good.
//
// # Layout
//
// Keys grow with time, so that commits fill pages instead of touching one page
// a message: bucket "messages" holds the metadata by an 8-byte sequence number,
// in the order of commits; bucket "bodies" holds segments of at most SegmentSize
// bytes by an 8-byte body number, allotted at Begin, and a 4-byte segment
// number. Which recipient has what is an index in memory, rebuilt at Open from
// the metadata alone.
//
// One goroutine commits. It takes all that waits into one transaction, so that
// many writers share an fsync; a single writer waits for nobody.
//
// A body of more than one segment is written ahead of its metadata; until its
// message is committed, its number is in the bucket "open", which is how Open
// finds what to remove without reading bodies.
//
// # Limits
//
// [Limits] bound what is kept; a message over one is refused with a
// [LimitError], and nothing of it stays. The limits are exact: the committer
// applies them in the order of commits. In memory a Writer holds at most two
// segments, and the committer's queue at most MaxBatch jobs of one segment each.
// [Store.Purge] deletes what has become too old; nothing is purged unasked.
//
// # Concurrency
//
// A Store is safe for concurrent use; a Writer and a body belong to one
// goroutine at a time. Reading a body holds a read transaction for one segment
// only.
//
// # Caveats
//
// Deleted messages leave free pages that later messages fill; the file does not
// shrink. The freelist is not written to the file, which makes commits several
// times cheaper once there are free pages, and opening slower: bbolt reads
// every page of the file then. Deleted bytes stay in free pages until they are
// written over. The index takes memory for every message's metadata. A message
// that failed on a full disk leaves its segments in the file until it is opened
// again. A message that is stored twice, with the same Message-ID, is kept twice.
// Backup and Check hold one read transaction while they run, so that the file
// grows instead of using free pages.
package store
