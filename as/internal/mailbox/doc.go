// Package mailbox decides when the messages of each recipient are delivered.
//
// A mailbox has one letter for each sender and media server: what is known of the messages
// that this media server keeps. Its state is none, perhaps some, or some, together with the
// store sessions that are under way; letterState has the table of transitions. When the
// recipient is reachable and a letter has, perhaps, messages, the mailbox makes a push, one
// at a time for each recipient. After a failure it waits, longer each time.
//
// The package knows its surroundings by three interfaces: [Directory] makes the entries
// durable, [Presence] reports who is reachable, [Pusher] makes a push. What a failed push
// means for other pushes is in its [Fault].
//
// # Concurrency
//
// One goroutine for each mailbox watches presence and makes the pushes. Store sessions and
// reports of media servers change letters under the mailbox's mutex, which nobody holds
// while the directory's file is written.
package mailbox
