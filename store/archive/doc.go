// Package archive moves messages between stores in a file, in the format of EXPORT.md.
//
// [Export] writes messages of a store, [Import] stores the messages of such a file. Both
// use what package store exports, and work while the store is in use. Export holds one
// segment of a body and the metadata of 256 messages in memory, Import 256 short
// messages.
package archive
