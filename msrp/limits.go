package msrp

import "time"

// Limits of what a peer may make us hold or wait for. Those that an
// application may want to move are fields of Config as well, and these are
// then the defaults.
const (
	// MaxHeaderLine is the longest start-line or header line accepted, in
	// bytes, without its CRLF. A longer line closes the connection.
	MaxHeaderLine = 4096
	// MaxHeaders is the most header fields accepted in one request or response.
	MaxHeaders = 64
	// MaxHead is the most bytes accepted from the start-line to the end of the
	// headers.
	MaxHead = 16 << 10
	// MaxPathURIs is the most URIs accepted in one To-Path or From-Path.
	MaxPathURIs = 16

	// DefaultTraceBody is how many body bytes of a chunk a TraceEvent carries.
	DefaultTraceBody = 256
	// DefaultWindow is how many chunks of one session may be without a response.
	DefaultWindow = 8
	// DefaultChunkSize is the size of the chunks sent to a peer that is one
	// hop away, in bytes.
	DefaultChunkSize = 64 << 10
	// DefaultRelayedChunkSize is the size of the chunks sent over relays.
	// Relays in use refuse frames of more than about 11 KB.
	DefaultRelayedChunkSize = 8 << 10
	// MaxChunkSize is the largest Config.ChunkSize, in bytes.
	MaxChunkSize = 1 << 20
	// DefaultResponseTimeout is how long a request waits for its response.
	// See RFC 4975, section 7.1.1.
	DefaultResponseTimeout = 30 * time.Second
	// DefaultUnboundTimeout is how long a connection may stay without a
	// session bound to it.
	DefaultUnboundTimeout = 30 * time.Second
	// DefaultStallTimeout is how long the sender of an incomplete message may be silent
	// before the message is aborted.
	DefaultStallTimeout = 60 * time.Second
	// DefaultWriteTimeout is how long one write to a connection may take before the
	// connection is closed.
	DefaultWriteTimeout = 30 * time.Second
	// DefaultHandlerTimeout is how long the answer to a request may wait for a Handler;
	// see Config.HandlerTimeout. With its grace time it is below the sender's timer of 30
	// s (RFC 4975, section 7.1.1).
	DefaultHandlerTimeout = 20 * time.Second
	// DefaultMaxConns is how many connections with a session one Listener keeps.
	// DefaultMaxUnbound and DefaultMaxUnboundSource are how many connections without a
	// session it keeps, in all and of one source. Many users may be behind one address,
	// and each has such a connection for a short time.
	DefaultMaxConns         = 16384
	DefaultMaxUnbound       = 2048
	DefaultMaxUnboundSource = 512
	// DefaultMaxSessions is how many sessions one Listener keeps.
	DefaultMaxSessions = 65536
	// DefaultMaxOpenMessages is how many messages of one session may be incomplete at a
	// time. The next one is refused with 413.
	DefaultMaxOpenMessages = 16
	// DefaultMaxHandlers is how many handlers of one session run at a time.
	DefaultMaxHandlers = 256
	// DefaultPipeSize is how many bytes of a message wait for its handler before reading
	// from the connection stops.
	DefaultPipeSize = 64 << 10

	maxPendingAcks   = 256                              // chunks of one message that its handler has not read yet
	idleWorkers      = 64                               // goroutines of a Listener that wait for a handler to run
	idleWorkersConn  = 1                                // of a dialled connection, as there may be many of those
	fullPipes        = 16                               // handlers of one session that have the whole PipeSize
	minPipe          = 4 << 10                          // what each has at least
	messageCost      = 4 << 10                          // what a message being received holds, without its bytes; see Budget
	pipeMin          = 2 << 10                          // first size of what waits for a handler
	maxReceipts      = 4096                             // success reports awaited in one session
	maxRanges        = 1024                             // separate ranges kept of one message's success reports
	controlQueue     = 128                              // responses and reports waiting to be written on one connection
	dataQueue        = 16                               // chunks waiting for the same; further Sends wait for a place
	smallChunk       = 4 << 10                          // bytes of a message that is sent from a small buffer
	bodySegment      = 16 << 10                         // bytes written between two checks whether other frames wait
	interruptAfter   = 50 * time.Millisecond            // a chunk that had the connection this long gives way to others
	interruptible    = 2048                             // a chunk longer than this must give way (RFC 4975, 5.1)
	readBufferMin    = 2 << 10                          // size of a connection's read buffer
	readBufferMax    = 64 << 10                         // of the one it has while more than that is there
	writeBufferSize  = 32 << 10                         // size of a connection's write buffer, held only while writing
	earlyRefusal     = 64 << 10                         // bytes of a refused chunk thrown away before the refusal is sent ahead of its end
	maxPath          = MaxHeaderLine - 16               // bytes of a path that we write in one line
	maxMessageHeader = MaxHead - 2*MaxHeaderLine - 1024 // bytes of a Message's own headers
	maxMessageID     = 128                              // bytes of a Message-ID
	maxHeldBytes     = 128 << 10                        // of one message, ahead of a gap
	maxHeldRanges    = 32                               // separate ranges of them
	maxRefused       = 64                               // refused messages remembered in one session
	closeLinger      = time.Second                      // how long a closing connection may take to write what is queued
	readLinger       = 200 * time.Millisecond           // how long the peer may then take to close its side
	lastResponses    = 2 * time.Second                  // how long Finish waits for the peer's responses
	catchUpLimit     = 2 * time.Second                  // how long it waits until what has arrived is read
	bindingAnswer    = 5 * time.Second                  // how long the answer to a binding message may hold back what the session sends
	handlerGrace     = 5 * time.Second                  // how long a handler whose context has ended may take to return
	deadlockTimeout  = 5 * time.Second                  // HandlerTimeout's bound while answers to our own requests may be behind
	acceptBackoff    = 50 * time.Millisecond            // pause after a failed accept
	strangerLines    = 60                               // of a kind in a minute, in the log, about connections without a session
	transactionSize  = 16                               // characters of a transaction id we make, 5 bits each
)
