package mscp

import "time"

// Limits of what is read from a peer. What exceeds one is refused: a PDU that
// cannot be told from the next ends the connection.
const (
	MaxLine     = 1024    // bytes in a start line or header line
	MaxHeaders  = 32      // header fields of a PDU
	MaxBody     = 1 << 20 // bytes in the body of a PDU
	MaxDepth    = 64      // nested elements of a document
	MaxElements = 10_000  // elements of a document
	MaxAttrs    = 256     // attributes of an element
	// MaxNamespaces bounds the namespace declarations around an element.
	MaxNamespaces = 256
	MaxFindings   = 100 // broken rules that are listed
	MaxParts      = 64  // documents in one multipart body

	// MaxOutstanding bounds the requests that a Server handles at once. While
	// there are as many, nothing more is read. A request of more than 16 KB
	// counts for several, so that their bodies take 16 MB together.
	MaxOutstanding = 1024

	// MaxIdleWorkers bounds the goroutines of a Server that wait for more to
	// do.
	MaxIdleWorkers = 64

	// MaxPending bounds the requests of a Client that are not answered; more
	// wait for their turn.
	MaxPending = 4096

	// MaxNotifications bounds the notifications that wait for OnNotification,
	// counted in the same way.
	MaxNotifications = 256

	// MaxWriteQueue bounds the bytes that wait to be written; who would write
	// more waits.
	MaxWriteQueue = 256 << 10

	// MaxLinger bounds how long a Server waits for answers that are under way: when its
	// peer has closed its side of the connection, or has sent bytes that make no sense.
	// In the latter case it bounds the wait for the peer's close, too.
	MaxLinger = 2 * time.Second

	// DefaultAcceptTimeout and DefaultOrphan are the defaults of an Acceptor.
	DefaultAcceptTimeout = 10 * time.Second
	DefaultOrphan        = time.Minute

	// HandshakeTimeout bounds the handshake of TLS.
	HandshakeTimeout = 10 * time.Second
	// DefaultDeadPeer is the default of [Config].DeadPeer.
	DefaultDeadPeer = 30 * time.Second
)
