package directory

import "time"

const (
	lockWait   = 5 * time.Second      // for another process to release the file
	batchDelay = 2 * time.Millisecond // a change waits so long for others that join its transaction
	maxPairKey = 16 << 10             // bytes; longer URIs are refused

	// pageSize is how many entries are read in one transaction.
	pageSize = 256
	// ChangesAtOnce is how many entries one transaction of an operator's change has, so
	// that calls do not wait long for it.
	ChangesAtOnce = 1000
	// maxFaults bounds the faults that the error for a damaged directory lists.
	maxFaults = 10
)
