// Package control keeps the MSCP channel from the application server to each media server.
//
// A [MediaServer] sets its channel up by a SIP dialog, over TCP, TLS or SIP INFO, watches it,
// and sets it up again when it was lost. See draft-mcglashan-mscp-02, section 7. Requests go
// through [MediaServer.Do]; notifications and changes of the channel go to the functions in
// its [Config]. One goroutine, in [MediaServer.Run], owns the channel.
package control
