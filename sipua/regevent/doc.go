// Package regevent reads and writes the documents of the reg event package, which say
// what contacts a user has registered, and combines successive documents into the current
// state. See RFC 3680.
//
// [sipua.UA.WatchRegistrations] subscribes to them.
//
// [sipua.UA.WatchRegistrations]: https://pkg.go.dev/github.com/gomscp/gomscp/sipua#UA.WatchRegistrations
package regevent

const (
	// Package is the name of the event package.
	Package = "reg"
	// ContentType is the content type of a Document.
	ContentType = "application/reginfo+xml"
)

const namespace = "urn:ietf:params:xml:ns:reginfo"
