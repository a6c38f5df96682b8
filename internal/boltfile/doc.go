// Package boltfile finds damage in bbolt files.
//
// bbolt trusts its file. On a damaged page it panics, and in a truncated file it reads
// memory that does not exist. Guard turns both into a DamageError. CheckSize finds a
// truncated file before bbolt maps it. Walk reads all pages of a tree without bbolt and
// returns the damaged ones.
//
// The package knows bbolt's file format, version 2. It does not know what the servers
// store in it.
package boltfile
