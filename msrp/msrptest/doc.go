// Package msrptest is an MSRP peer for tests (RFC 4975) that does exactly what
// its script says, legal or not. It plays either role, and takes apart what
// comes back with a small parser of its own, so that it shares no mistake with
// package msrp.
//
// The one that connects:
//
//	p := msrptest.Dial(t, listener.Addr().String())
//	p.Send("MSRP a786hjs2 SEND", "To-Path: "+local, "From-Path: "+remote,
//		"Message-ID: 1", "Byte-Range: 1-2/2", "Content-Type: text/plain", "", "Hi",
//		"-------a786hjs2$")
//	if f := p.Next(); f.Code != 200 { ... }
//
// The one that is connected to:
//
//	l := msrptest.Listen(t)
//	go sendTo(l.URI("session1"))
//	p := l.Accept()
//	request := p.Next()
//	p.Answer(request, 413, "Too Much")
//
// [Peer.Write] writes any bytes, in pieces as small as the script likes.
// [Peer.Conn] is there for the rest: resets, half-closes, silence. [New] makes a
// Peer of any connection, as of a TLS one or an end of a net.Pipe.
//
// A Peer is for one goroutine. Every wait ends after [Timeout] and fails the
// test; the connections end with the test. A Peer answers nothing by itself, and
// holds a whole body in memory.
package msrptest
