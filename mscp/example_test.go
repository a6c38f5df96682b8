package mscp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/gomscp/gomscp/mscp"
)

// An application server. The function that Connect calls sends the offer in an INVITE,
// and returns the answer of the 200 after the ACK; here, it asks a media server of the
// same program.
func ExampleConnector() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	exits := make(chan *mscp.DialogExit, 1)
	as := &mscp.Connector{Host: "127.0.0.1", Config: mscp.Config{OnNotification: func(e mscp.Element) {
		if exit, ok := e.(*mscp.DialogExit); ok {
			exits <- exit
		}
	}}}
	client, err := as.Connect(ctx, func(_ context.Context, offer []byte) ([]byte, error) { return serve(ctx, offer) })
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	answer, err := client.Do(ctx, &mscp.DialogStart{Src: "a", ConnectionID: mscp.ConnectionID("call", "1", "2")})
	var refused *mscp.Error
	switch d, ok := answer.(*mscp.DialogStarted); {
	case errors.As(err, &refused):
		fmt.Println("not understood:", refused.Code, refused.Reason)
	case err != nil:
		fmt.Println(err)
	case ok:
		fmt.Println("started on", d.ConnectionID)
		fmt.Println("ended:", (<-exits).DialogID == d.DialogID)
	default:
		reason, _ := mscp.ErrorReason(answer)
		fmt.Println("not started:", reason)
	}
	// Output:
	// started on call;1;2
	// ended: true
}

// serve is a media server without package mediaserver: its dialogs end at once.
func serve(ctx context.Context, offer []byte) ([]byte, error) {
	a := &mscp.Acceptor{Host: "127.0.0.1", Serve: func(c net.Conn) *mscp.Server {
		server := make(chan *mscp.Server, 1)
		s := mscp.NewServer(c, func(ctx context.Context, req mscp.Element) (mscp.Element, error) {
			start, ok := req.(*mscp.DialogStart)
			if !ok {
				return mscp.Refuse(req, "not supported"), nil
			}
			mscp.AfterResponse(ctx, func() {
				s := <-server
				_ = s.Notify(context.Background(), &mscp.DialogExit{DialogID: "d1", ConnectionID: start.ConnectionID})
				server <- s
			})
			return &mscp.DialogStarted{DialogID: "d1", ConnectionID: start.ConnectionID}, nil
		}, mscp.Config{})
		server <- s
		return s
	}}
	answer, err := a.Answer(offer)
	if err == nil {
		go a.Run(ctx)
	}
	return answer, err
}

// The bytes of a channel, both ways one after the other, as a capture has them: what is
// wrong with each PDU, and with each response to its request.
func ExampleReader() {
	pdu := func(start, body string) string {
		body = `<mscp version="1.0" xmlns="urn:ietf:mscp">` + body + `</mscp>`
		return fmt.Sprintf("%s\r\nContent-Type: application/mscp+xml\r\nContent-Length: %d\r\n\r\n%s", start, len(body), body)
	}
	capture := pdu("REQ MSCP/1.0 7", `<request><join id1="conf1" id2="c1"/></request>`) +
		pdu("MSCP/1.0 200 OK  7", `<response><conferencejoined id1="c1" id2="conf1"/></response>`) +
		pdu("NOTIF MSCP/1.0", `<notification><dialogexit/></notification>`)

	requests := map[uint64]mscp.Element{}
	r := mscp.NewReader(strings.NewReader(capture))
	for n := 1; ; n++ {
		p, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println("what follows cannot be told apart:", err)
			break
		}
		for _, f := range mscp.ValidatePDU(r.Raw()) {
			fmt.Printf("PDU %d, %v\n", n, f)
		}
		docs, err := p.Documents(mscp.Options{})
		if err != nil {
			continue // ValidatePDU has said why
		}
		switch p.Kind {
		case mscp.Request:
			requests[p.ID] = docs[0].Element
		case mscp.Response:
			fmt.Printf("PDU %d: %v\n", n, mscp.CheckAnswer(requests[p.ID], docs[0].Element))
		}
	}
	// Output:
	// PDU 2, 1:1: blanks in the start line that neither grammar nor examples have (section 7.2.2)
	// PDU 2: mscp: id1 of conferencejoined is "c1", but id1 of join was "conf1" (section 5.3); id2 of conferencejoined is "conf1", but id2 of join was "c1" (section 5.3)
	// PDU 3, 5:57: dialogexit has no dialogid (section 4.4)
}

// What is wrong with a PDU in a capture.
func ExampleValidatePDU() {
	pdu := "REQ MSCP/1.0 7\r\nContent-Type: application/mscp+xml\r\nContent-Length: 87\r\n\r\n" +
		`<mscp version="1.0" xmlns="urn:ietf:mscp"><request><join id1="a"/></request></mscp>    `
	for _, f := range mscp.ValidatePDU([]byte(pdu)) {
		fmt.Println(f)
	}
	// Output:
	// 5:52: join has no id2 (section 5.3)
}

// What we are about to send.
func ExampleValidateElement() {
	fmt.Println(mscp.ValidateElement(&mscp.DialogTerminate{DialogID: "d", Immediate: "perhaps"}))
	fmt.Println(mscp.ValidateElement(&mscp.DialogTerminate{DialogID: "d", Immediate: "true"}))
	// Output:
	// mscp: 1:57: immediate of dialogterminate is not one of true, false (section 4.3)
	// <nil>
}
