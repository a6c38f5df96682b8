package cpim

import "github.com/gomscp/gomscp/internal/xmltree"

// Limits of what is accepted from a peer, and of what is written.
const (
	// MaxHeaderBytes is the most bytes of all headers of a message: message headers, MIME
	// headers and blank lines.
	MaxHeaderBytes = 16 << 10
	// MaxHeaders is the most header fields in one message.
	MaxHeaders = 64
	// MaxNotification is the longest IMDN document accepted, in bytes.
	MaxNotification = 64 << 10
	// MaxNotifications is the most IMDN documents read from one aggregated message. See
	// RFC 5438, section 8.3.
	MaxNotifications = 128
)

// notificationLimits are those of one IMDN document.
var notificationLimits = xmltree.Limits{Bytes: MaxNotification, Depth: 32, Elements: 1024, Attrs: 64, Namespaces: 64}
