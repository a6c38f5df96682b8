// Package boltfile looks after bbolt files on a disk that fails.
//
// bbolt trusts its file: on a damaged page it panics, and in a file that was cut
// short it reads memory that is not there. [Guard] turns both into a
// [DamageError]. [CheckSize] finds a short file before bbolt maps it. [Walk] reads
// all pages of a tree without bbolt and names those that are damaged.
//
// The package knows bbolt's file format, version 2, and nothing of what the
// servers keep in it.
package boltfile
