package mscp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestTLS runs a channel over TLS whose ends know each other by the
// fingerprints of their session descriptions, and refuses one with another
// certificate on either side.
func TestTLS(t *testing.T) {
	as, ms, stranger := testutil.SelfSigned(t), testutil.SelfSigned(t), testutil.SelfSigned(t)
	describe := func(m *Media, c tls.Certificate, setup string) *Media {
		m.TLS, m.Fingerprint = true, Fingerprint(c.Certificate[0])
		b, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseSDP(b)
		if err == nil {
			err = got.CheckTLS(setup)
		}
		if err != nil {
			t.Fatalf("%v:\n%s", err, b)
		}
		return got
	}
	offer := describe(NewOffer("127.0.0.1"), as, "active")
	answer := describe(offer.Answer("127.0.0.1", 1000), ms, "passive")
	for name, tc := range map[string]struct {
		as, ms tls.Certificate
		ok     bool
	}{
		"as described": {as, ms, true}, "another AS": {stranger, ms, false}, "another MS": {as, stranger, false},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := testutil.TCPPair(t)
			served := make(chan error, 1)
			go func() {
				c, err := ServerTLS(t.Context(), b, tc.ms, offer)
				if err == nil {
					s := NewServer(c, echo, Config{})
					<-s.Done()
					s.Close()
				}
				served <- err
			}()
			c, err := ClientTLS(t.Context(), a, tc.as, answer)
			if err == nil {
				client := NewClient(c, Config{})
				_, err = client.Do(t.Context(), &RestoreMsg{"sip:a@x", "sip:b@x", "c", "", ""})
				client.Close()
			}
			if serr := <-served; tc.ok && (err != nil || serr != nil) {
				t.Errorf("AS: %v, MS: %v", err, serr)
			} else if !tc.ok && (err == nil || serr == nil) {
				t.Errorf("a stranger was taken: AS: %v, MS: %v", err, serr)
			}
		})
	}
}

func TestFingerprint(t *testing.T) {
	der := []byte("abc")
	const sha256 = "sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD"
	if got := Fingerprint(der); got != sha256 {
		t.Errorf("got %s", got)
	}
	for value, ok := range map[string]bool{
		sha256: true, "SHA-256 " + sha256[8:]: true, "sha-256 00": false, "md5 90:01": false, "": false, "sha-256": false,
	} {
		m := &Media{Fingerprint: value}
		if err := m.VerifyFingerprint(der); (err == nil) != ok {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// TestAcceptorTLS sets a channel up over TLS with both ends of section 7.2.1, and checks
// that whoever has another certificate than its offer's gets none.
func TestAcceptorTLS(t *testing.T) {
	asCert, msCert, stranger := testutil.SelfSigned(t), testutil.SelfSigned(t), testutil.SelfSigned(t)
	a, exchange, end, ended := controlPair(t, echo)
	a.Certificate = func() (*tls.Certificate, error) { return &msCert, nil }
	as := &Connector{Host: "127.0.0.1", Certificate: func() (*tls.Certificate, error) { return &asCert, nil }}
	var answer *Media
	c, err := as.Connect(t.Context(), func(ctx context.Context, offer []byte) ([]byte, error) {
		if m, err := ParseSDP(offer); err != nil || m.CheckTLS("active") != nil {
			t.Errorf("offer:\n%s", offer)
		}
		body, err := exchange(ctx, offer)
		if err == nil {
			answer, err = ParseSDP(body)
		}
		if err != nil {
			return nil, err
		}
		nc, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", answer.Port))
		if err != nil {
			return nil, err
		}
		if _, err := ClientTLS(ctx, nc, stranger, answer); err == nil { // TLS 1.3 tells with the first read
			_ = nc.SetReadDeadline(time.Now().Add(10 * time.Second))
			if n, err := io.Copy(io.Discard, nc); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a stranger was let in: %d bytes, %v", n, err)
			}
		}
		return body, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Do(t.Context(), benchRequest); err != nil {
		t.Error(err)
	}
	if _, secure := c.c.(*tls.Conn); !secure {
		t.Error("the channel is without TLS")
	}
	as.Certificate = func() (*tls.Certificate, error) { return nil, errors.New("expired") }
	if _, err := as.Connect(t.Context(), exchange); err == nil {
		t.Error("an offer without a certificate")
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
