package conform

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gomscp/gomscp/interop/conform/draft"
	"github.com/gomscp/gomscp/sipua"
)

// tcpOffer is ours of a control channel over TCP, in the form that RFC 8866 wants.
const tcpOffer = "v=0\r\no=as 53655765 53655765 IN IP4 127.0.0.1\r\ns=MSCP\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
	"m=application 9 TCP/MS *\r\na=setup:active\r\na=connection:new\r\n"

// infoOffer has no media: see section 7.1.
const infoOffer = "v=0\r\no=as 53655765 53655765 IN IP4 127.0.0.1\r\ns=MSCP\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"

// offer is ours of a control channel of the target's transport. Over INFO, the case is
// about nothing.
func (m MSCPTarget) offer(t *T) string {
	t.Helper()
	switch m.Transport {
	case "info":
		t.Skipf("over INFO there is no connection to offer")
	case "tls":
		return tlsOffer(m.identity.certificate(t).Certificate[0])
	}
	return tcpOffer
}

// tlsOffer offers TLS with the fingerprint of a certificate.
func tlsOffer(der []byte) string {
	return strings.Replace(tcpOffer, "TCP/MS", "TCP/TLS/MS", 1) + "a=fingerprint:" + fingerprint("sha-256", der) + "\r\n"
}

// fingerprint is that of RFC 8122, section 5; "" for a hash that is not known.
func fingerprint(hash string, der []byte) string {
	var sum []byte
	switch strings.ToLower(hash) {
	case "sha-1":
		s := sha1.Sum(der)
		sum = s[:]
	case "sha-256":
		s := sha256.Sum256(der)
		sum = s[:]
	case "sha-384":
		s := sha512.Sum384(der)
		sum = s[:]
	case "sha-512":
		s := sha512.Sum512(der)
		sum = s[:]
	default:
		return ""
	}
	return strings.ToLower(hash) + " " + strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}

// An identity is the runner's certificate, made when it is first needed.
type identity struct {
	once sync.Once
	cert tls.Certificate
	err  error
}

func (i *identity) certificate(t *T) tls.Certificate {
	t.Helper()
	i.once.Do(func() { i.cert, i.err = newCertificate() })
	if i.err != nil {
		t.Fatal(i.err)
	}
	return i.cert
}

// newCertificate makes one that nobody has signed.
func newCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "conform"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// dialChannel connects to where an answer says, with TLS if that is agreed on.
func (m MSCPTarget) dialChannel(t *T, media *draft.Media) net.Conn {
	t.Helper()
	addr := net.JoinHostPort(media.Host, strconv.Itoa(media.Port))
	if !media.TLS {
		return t.dial(addr)
	}
	c, err := m.dialTLS(t, addr, m.identity.certificate(t))
	if err != nil {
		t.Fatalf("TLS: %v", err)
	}
	shown := c.ConnectionState().PeerCertificates[0].Raw
	if !slices.ContainsFunc(media.Fingerprints, func(f string) bool {
		hash, _, _ := strings.Cut(f, " ")
		return f == fingerprint(hash, shown)
	}) {
		t.Errorf("the certificate that is shown has none of the fingerprints %q [RFC 8122, section 6.2]", media.Fingerprints)
	}
	return recorded{c, t}
}

// dialTLS shows a certificate, and takes any.
func (m MSCPTarget) dialTLS(t *T, addr string, own tls.Certificate) (*tls.Conn, error) {
	d := &net.Dialer{Timeout: t.timeout}
	raw, err := d.DialContext(t.ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { raw.Close() })
	c := tls.Client(raw, &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: true}) // fingerprints are compared by whoever calls
	ctx, cancel := t.within()
	defer cancel()
	return c, c.HandshakeContext(ctx)
}

// setUpInfo calls without media, so that MSCP goes over INFO.
func (m MSCPTarget) setUpInfo(t *T) *channel {
	t.Helper()
	c := &channel{t: t, m: m, id: 21090, infos: make(chan *draft.PDU, maxNotes)}
	call, err := m.caller().call(t, []byte(infoOffer))
	var status *sipua.StatusError
	if errors.As(err, &status) {
		m.lacks(t, "info", "the INVITE without media is refused with %d", status.Code)
	}
	if err != nil {
		t.Fatalf("the INVITE without media has failed: %v", err)
	}
	c.call = call
	call.OnInfo(func(_ context.Context, i sipua.Info) error {
		documents, err := i.Find("application/mscp+xml")
		for _, d := range documents {
			select {
			case c.infos <- draft.Info(d.Content):
			default: // more than any case has use for
			}
		}
		return err
	})
	t.ack(call)
	return c
}

// postInfo sends a document. Where the INFO is refused, that is its answer; nil otherwise.
func (c *channel) postInfo(body string) *answer {
	c.t.Helper()
	ctx, cancel := c.t.within()
	defer cancel()
	err := c.call.Info(ctx, "application/mscp+xml", []byte(body))
	var status *sipua.StatusError
	if errors.As(err, &status) && status.Code == 400 {
		return &answer{&draft.PDU{Kind: draft.Response, Status: 400}, c.id}
	}
	if err != nil {
		c.t.Fatalf("INFO: %v", err)
	}
	return nil
}

// readInfo waits for the next document that comes in an INFO. One without an id answers
// the last request, if that had none either.
func (c *channel) readInfo() (*answer, error) {
	select {
	case p := <-c.infos:
		a := c.judge(p)
		if a.Kind == draft.Response && a.ID == 0 && !c.named {
			a.ID = c.id
		}
		return a, nil
	case <-time.After(c.t.timeout):
		return nil, os.ErrDeadlineExceeded
	case <-c.t.ctx.Done():
		return nil, c.t.ctx.Err()
	case <-c.call.Done():
		return nil, net.ErrClosed
	}
}
