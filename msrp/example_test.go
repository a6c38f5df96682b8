package msrp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gomscp/gomscp/msrp"
)

// joined makes two sessions that talk to each other; the paths would travel
// in SDP.
func joined(cfg msrp.Config, caller, callee msrp.SessionConfig) (*msrp.Session, *msrp.Session, func()) {
	l, err := msrp.Listen("127.0.0.1:0", cfg)
	if err != nil {
		log.Fatal(err)
	}
	callee.Local = l.NewURI("")
	caller.Local = l.NewURI("") // a caller needs no port; its URI only has to be unlike others
	callee.Remote = msrp.Path{caller.Local}
	caller.Remote = msrp.Path{callee.Local}
	passive, err := l.Accept(callee)
	if err != nil {
		log.Fatal(err)
	}
	active, err := msrp.Dial(context.Background(), cfg, caller)
	if err != nil {
		log.Fatal(err)
	}
	return active, passive, func() {
		active.Close()
		l.Close()
	}
}

// An echo: the handler has read the message to its end before it sends.
func Example_echo() {
	ctx := context.Background()
	echoed := make(chan string)
	caller, _, end := joined(msrp.Config{},
		msrp.SessionConfig{Handler: func(_ context.Context, m *msrp.Incoming) error {
			b, err := io.ReadAll(m)
			echoed <- string(b)
			return err
		}},
		msrp.SessionConfig{MaxSize: 1 << 20, Handler: func(ctx context.Context, m *msrp.Incoming) error {
			b, err := io.ReadAll(m) // MaxSize bounds it
			if err != nil {
				return err
			}
			_, err = m.Session.Send(ctx, msrp.Message{
				ContentType: m.ContentType, Body: strings.NewReader(string(b)), Size: int64(len(b))})
			return err
		}})
	defer end()
	go caller.Send(ctx, msrp.Message{ContentType: "text/plain", Body: strings.NewReader("hello"), Size: 5})
	fmt.Println(<-echoed)
	// Output: hello
}

// Sending a file, and waiting until the other side has it for good.
func Example_sendFile() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "msrp")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, make([]byte, 3_000_000), 0o600); err != nil {
		log.Fatal(err)
	}

	// The receiver streams to disk. Its last chunk is answered, and the
	// success report sent, only when the handler has returned.
	receive := func(_ context.Context, m *msrp.Incoming) error {
		f, err := os.Create(out)
		if err != nil {
			return &msrp.StatusError{Code: msrp.StatusTooLarge, Reason: "No Place For It"}
		}
		defer f.Close()
		if _, err := io.Copy(f, m); err != nil {
			return err
		}
		return f.Sync()
	}
	caller, _, end := joined(msrp.Config{}, msrp.SessionConfig{}, msrp.SessionConfig{Handler: receive})
	defer end()

	f, err := os.Open(in)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	receipt, err := caller.Send(ctx, msrp.Message{
		ContentType: "application/octet-stream", Body: f, Size: 3_000_000, SuccessReport: true})
	if err != nil {
		log.Fatal(err)
	}
	if err := receipt.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	st, err := os.Stat(out)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(st.Size(), "bytes")
	// Output: 3000000 bytes
}

// Session descriptions: an offer, its answer, and who connects.
func Example_sdp() {
	path, _ := msrp.ParsePath("msrp://192.0.2.1:7777/iau39soe2843z;tcp")
	offer, err := (&msrp.Media{
		Host: "192.0.2.1", Port: 7777, Path: path, AcceptTypes: []string{"text/plain"}, Setup: msrp.SetupActpass,
		SessionID: 1, SessionVersion: 1,
	}).Offer()
	if err != nil {
		log.Fatal(err)
	}
	theirs, err := msrp.ParseSDP(offer)
	if err != nil {
		log.Fatal(err)
	}
	path, _ = msrp.ParsePath("msrp://192.0.2.2:8888/9di4eae923wzd;tcp")
	answer, err := (&msrp.Media{
		Host: "192.0.2.2", Port: 8888, Path: path, Setup: theirs.Setup.Answer(), SessionID: 2, SessionVersion: 1,
	}).Answer(offer)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(strings.ReplaceAll(string(answer), "\r\n", "\n"))
	// Output:
	// v=0
	// o=- 2 1 IN IP4 192.0.2.2
	// s=-
	// c=IN IP4 192.0.2.2
	// t=0 0
	// m=message 8888 TCP/MSRP *
	// a=accept-types:*
	// a=path:msrp://192.0.2.2:8888/9di4eae923wzd;tcp
	// a=setup:passive
}

// TLS: the SDP carries the fingerprint of a certificate that nobody signed.
func Example_tls() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		log.Fatal(err)
	}
	cert := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	print, err := msrp.Fingerprint(cert)
	if err != nil {
		log.Fatal(err)
	}
	cfg := msrp.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}}
	got := make(chan string, 1)
	caller, _, end := joined(cfg, msrp.SessionConfig{Fingerprints: []string{print}},
		msrp.SessionConfig{Fingerprints: []string{print}, Handler: func(_ context.Context, m *msrp.Incoming) error {
			b, err := io.ReadAll(m)
			got <- string(b)
			return err
		}})
	defer end()
	if _, err := caller.Send(context.Background(), msrp.Message{
		ContentType: "text/plain", Body: strings.NewReader("secret"), Size: 6}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(caller.Remote()[0].Secure, <-got)
	// Output: true secret
}
