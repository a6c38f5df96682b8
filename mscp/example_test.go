package mscp_test

import (
	"context"
	"fmt"
	"net"

	"github.com/gomscp/gomscp/mscp"
)

// An MS with functions of its own for dialogs, and an AS that starts one. SIP,
// which carries offer and answer, is a function call here.
func Example() {
	ctx, hangUp := context.WithCancel(context.Background()) // ends with the SIP dialog
	defer hangUp()
	defer hangUp()

	media := mscp.NewMediaServer(mscp.MediaFunctions{
		HasConnection: func(id string) bool { return id == "call;1;2" },
		StartDialog: func(_ context.Context, d mscp.Dialog) error {
			fmt.Println("MS: plays", d.Document.Src)
			return nil
		},
	})
	ms := &mscp.Acceptor{Host: "127.0.0.1", Serve: func(c net.Conn) *mscp.Server {
		return mscp.NewServer(c, media.Handle, mscp.Config{OnNotification: media.Notified})
	}}
	ended := make(chan error)
	go func() { ended <- ms.Run(ctx) }()

	as := &mscp.Connector{Host: "127.0.0.1"}
	client, err := as.Connect(ctx, func(_ context.Context, offer []byte) ([]byte, error) { return ms.Answer(offer) })
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	for _, id := range []string{mscp.ConnectionID("call", "1", "2"), "nobody"} {
		answer, err := client.Do(ctx, &mscp.DialogStart{Src: "http://example.com/hello.wav", ConnectionID: id})
		if err != nil {
			fmt.Println(err)
		} else if reason, failed := mscp.ErrorReason(answer); failed {
			fmt.Println("AS: refused:", reason)
		} else {
			fmt.Println("AS:", mscp.Name(answer))
		}
	}
	hangUp()
	fmt.Println(<-ended)
	// Output:
	// MS: plays http://example.com/hello.wav
	// AS: dialogstarted
	// AS: refused: connection identified by nobody does not exist
	// <nil>
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
