// Package archive moves messages between stores in a file, in the format of EXPORT.md.
//
// [Export] writes messages of a store, [Import] stores the messages of such a file. Both
// need only the exported functions and types of package store. Other goroutines may use the
// store meanwhile. Export holds one segment of a body and the metadata of 256 messages in
// memory, Import 256 short messages.
package archive
