package archive

import "github.com/gomscp/gomscp/store"

const (
	// maxExportLine bounds a line of a file, in bytes. JSON needs up to six bytes for
	// one byte of metadata.
	maxExportLine = 8 * store.MaxMeta
	// exportPart is the number of messages whose metadata Export holds at once. It
	// reports its progress after each part.
	exportPart = 256
	// importAhead bounds the messages of an import that are under way to the disk.
	importAhead = 256
	// maxLostNamed bounds the damaged messages that the error of Export names.
	maxLostNamed = 100
)
