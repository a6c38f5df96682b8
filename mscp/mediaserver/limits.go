package mediaserver

// Limits of a Server. What exceeds one is refused.
const (
	MaxDialogs     = 10_000
	MaxConferences = 10_000
	MaxJoins       = 1000 // of one connection, dialog or conference

	// MaxEarlyNotifications bounds the notifications about a dialog or a conference
	// that are kept until the response with its id has gone out.
	MaxEarlyNotifications = 256
)
