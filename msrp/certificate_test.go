package msrp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/internal/testutil"
)

func TestSelfSigned(t *testing.T) {
	a, err := SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	b, err := SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(a.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		t.Errorf("the key is %T", leaf.PublicKey)
	}
	if err := leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature); err != nil {
		t.Errorf("not signed with its own key: %v", err)
	}
	now := time.Now()
	if leaf.NotBefore.After(now.Add(-time.Hour)) || leaf.NotAfter.Before(now.AddDate(9, 0, 0)) {
		t.Errorf("valid from %s to %s", leaf.NotBefore, leaf.NotAfter)
	}
	if leaf.SerialNumber.Sign() <= 0 || leaf.SerialNumber.Cmp(b.Leaf.SerialNumber) == 0 {
		t.Errorf("serial %s", leaf.SerialNumber)
	}
	if len(leaf.DNSNames)+len(leaf.IPAddresses)+len(leaf.URIs) > 0 {
		t.Errorf("names somebody: %v %v", leaf.DNSNames, leaf.IPAddresses)
	}
}

func TestSelfSignedFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "msrp.pem")
	first, err := SelfSignedFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	again, err := SelfSignedFile(name)
	if err != nil || !bytes.Equal(first.Certificate[0], again.Certificate[0]) {
		t.Fatalf("another certificate, %v", err)
	}
	if all, err := os.ReadDir(filepath.Dir(name)); err != nil || len(all) != 1 {
		t.Errorf("beside the file: %v, %v", all, err)
	}

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	old := signed(t, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}, key, key.Public())
	if err := saveCertificate(name, old); err != nil {
		t.Fatal(err)
	}
	if c, err := SelfSignedFile(name); err != nil || bytes.Equal(c.Certificate[0], old.Certificate[0]) {
		t.Errorf("one that ends tomorrow was kept, %v", err)
	}

	if err := os.WriteFile(name, []byte("not a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := SelfSignedFile(name); err == nil {
		t.Error("a file that is none was taken")
	}
	if b, _ := os.ReadFile(name); string(b) != "not a certificate" {
		t.Errorf("the file was replaced by %q", b)
	}
	if _, err := SelfSignedFile(filepath.Join(t.TempDir(), "no", "such", "folder")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// signed makes a certificate signed with its own key.
func signed(t *testing.T, tmpl *x509.Certificate, key, public any) tls.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, public, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// hexOf writes bytes as RFC 8122, section 5, has it.
func hexOf(b []byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", b), " ", ":")
}

func TestFingerprints(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		algorithm x509.SignatureAlgorithm
		want      func(der []byte) []string
	}{
		{x509.SHA256WithRSA, func(d []byte) []string {
			s := sha256.Sum256(d)
			return []string{"sha-256 " + hexOf(s[:])}
		}},
		{x509.SHA384WithRSA, func(d []byte) []string {
			s, r := sha256.Sum256(d), sha512.Sum384(d)
			return []string{"sha-256 " + hexOf(s[:]), "sha-384 " + hexOf(r[:])}
		}},
		{x509.SHA512WithRSA, func(d []byte) []string {
			s, r := sha256.Sum256(d), sha512.Sum512(d)
			return []string{"sha-256 " + hexOf(s[:]), "sha-512 " + hexOf(r[:])}
		}},
	} {
		c := signed(t, &x509.Certificate{SerialNumber: big.NewInt(1), SignatureAlgorithm: test.algorithm}, key, key.Public())
		got, err := Fingerprints(c)
		if want := test.want(c.Certificate[0]); err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: got %q, %v, want %q", test.algorithm, got, err, want)
		}
	}
	if _, err := Fingerprints(tls.Certificate{}); err == nil {
		t.Error("nothing has fingerprints")
	}
}

// Which fingerprint counts when there are several. See RFC 8122, section 5.1.
func TestFingerprintChoice(t *testing.T) {
	c, err := SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	der := c.Certificate[0]
	s1, s224, s256, s384, s512, m5 := sha1.Sum(der), sha256.Sum224(der), sha256.Sum256(der), sha512.Sum384(der),
		sha512.Sum512(der), md5.Sum(der)
	right := map[string]string{"sha-1": hexOf(s1[:]), "sha-224": hexOf(s224[:]), "sha-256": hexOf(s256[:]),
		"sha-384": hexOf(s384[:]), "sha-512": hexOf(s512[:]), "md5": hexOf(m5[:])}
	is := func(name string) string { return name + " " + right[name] }
	wrong := func(name string) string {
		return name + " " + strings.NewReplacer("0", "1", "1", "0", "A", "B", "B", "A").Replace(right[name])
	}
	for _, test := range []struct {
		prints []string
		ok     bool
	}{
		{[]string{is("sha-256")}, true},
		{[]string{is("sha-224")}, true},
		{[]string{is("sha-384")}, true},
		{[]string{is("sha-512")}, true},
		{[]string{is("sha-1")}, true},
		{[]string{"SHA-256 " + strings.ToLower(right["sha-256"])}, true},
		{[]string{wrong("sha-256"), is("sha-256")}, true},                  // of two certificates
		{[]string{is("sha-1"), wrong("sha-1")}, true},                      // the same
		{[]string{wrong("sha-256"), is("sha-1")}, false},                   // the better one decides
		{[]string{is("sha-1"), wrong("sha-256")}, false},                   // in any order
		{[]string{wrong("sha-512"), is("sha-1")}, false},                   //
		{[]string{wrong("sha-256"), is("sha-512")}, false},                 // SHA-256 is the preferred one
		{[]string{is("sha-256"), wrong("sha-1"), wrong("sha-512")}, true},  //
		{[]string{"sha3-256 00", is("sha-1")}, true},                       // unknown ones do not count
		{[]string{is("md5")}, false},                                       // and these never
		{[]string{is("sha-256")[:60]}, false},                              // cut
		{[]string{"sha-256", is("sha-1")}, false},                          // no value
		{[]string{""}, false},                                              //
		{[]string{wrong("sha-256")}, false},                                //
		{[]string{is("md5"), wrong("sha-1")}, false},                       //
		{[]string{wrong("sha-256"), wrong("sha-384"), is("sha-1")}, false}, //
	} {
		leaf, _ := x509.ParseCertificate(der)
		err := checkFingerprint(tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}, test.prints)
		if (err == nil) != test.ok || err != nil && !errors.Is(err, errFingerprint) {
			t.Errorf("%q: %v", test.prints, err)
		}
	}
}

func TestFingerprintLevels(t *testing.T) {
	sdp := func(lines ...string) []byte {
		return crlf(append([]string{"v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"}, lines...)...)
	}
	const session, media = "a=fingerprint:sha-256 AA", "a=fingerprint:sha-1 BB"
	line := []string{"m=message 9 TCP/TLS/MSRP *", "a=path:msrps://127.0.0.1:9/x;tcp"}
	for _, test := range []struct {
		body []byte
		want string
	}{
		{sdp(append([]string{session}, line...)...), "sha-256 AA"},
		{sdp(append(line, media)...), "sha-1 BB"},
		{sdp(append([]string{session}, append(line, media)...)...), "sha-1 BB"},
		{sdp(append([]string{session, media}, line...)...), "sha-256 AA,sha-1 BB"},
		{sdp(append([]string{session, "m=audio 9 RTP/AVP 0", media}, line...)...), "sha-256 AA"}, // of another line
	} {
		m, err := ParseSDP(test.body)
		if err != nil || strings.Join(m.Fingerprints, ",") != test.want {
			t.Errorf("got %+v, %v, want %s", m, err, test.want)
		}
	}
}

// Two sides that know nothing of each other but the fingerprint in SDP.
func TestSelfSignedBothRoles(t *testing.T) {
	offerer, err := SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	answerer, err := SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	for _, connects := range []Setup{SetupActive, SetupPassive} { // the offerer, or else the answerer
		t.Run(string(connects), func(t *testing.T) {
			listens, dials := answerer, offerer
			if connects == SetupPassive {
				listens, dials = offerer, answerer
			}
			there := overSDP(t, listens, "msrps://127.0.0.1:9/there;tcp")
			here := overSDP(t, dials, "msrps://127.0.0.1:9/here;tcp")
			l := testListener(t, Config{TLS: &tls.Config{Certificates: []tls.Certificate{listens}}})
			h, ch := collect(1)
			local := testURI(t, "msrps://127.0.0.1:9/here;tcp")
			b, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{local}, Handler: h, Fingerprints: here.Fingerprints})
			if err != nil {
				t.Fatal(err)
			}
			a, err := Dial(testCtx(t), Config{Logger: quiet, TLS: &tls.Config{Certificates: []tls.Certificate{dials}}},
				SessionConfig{Local: local, Remote: Path{b.Local()}, Fingerprints: there.Fingerprints})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			if _, err := a.Send(testCtx(t), textMessage("over TLS")); err != nil {
				t.Fatal(err)
			}
			if g := next(t, ch); string(g.body) != "over TLS" {
				t.Fatalf("got %q", g.body)
			}
		})
	}
}

// overSDP gives what a peer reads of a description with the fingerprints of c.
func overSDP(t *testing.T, c tls.Certificate, uri string) *Media {
	t.Helper()
	prints, err := Fingerprints(c)
	if err != nil {
		t.Fatal(err)
	}
	m := &Media{TLS: true, Port: 9, Path: Path{testURI(t, uri)}, Fingerprints: prints, Setup: SetupActpass}
	b, err := m.Offer()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseSDP(b)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// Who connects and meets another certificate ends the handshake with the alert
// that says why.
func TestWrongCertificateAlert(t *testing.T) {
	c, err := SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	other, err := SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	nl, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer nl.Close()
	failed := make(chan error, 1)
	go func() {
		nc, err := nl.Accept()
		if err != nil {
			failed <- err
			return
		}
		defer nc.Close()
		tc := tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{c}})
		_, err = tc.Read(make([]byte, 1)) // of TLS 1.3 the alert comes behind the handshake
		failed <- err
	}()
	prints, err := Fingerprints(other)
	if err != nil {
		t.Fatal(err)
	}
	there := testURI(t, fmt.Sprintf("msrps://127.0.0.1:%d/x;tcp", nl.Addr().(*net.TCPAddr).Port))
	_, err = Dial(testCtx(t), Config{Logger: quiet},
		SessionConfig{Local: testURI(t, "msrps://127.0.0.1:9/y;tcp"), Remote: Path{there}, Fingerprints: prints})
	if !errors.Is(err, errFingerprint) {
		t.Errorf("got %v", err)
	}
	if err := next(t, failed); err == nil || !strings.Contains(err.Error(), "bad certificate") {
		t.Errorf("the peer was told %v", err)
	}
}

// A fingerprint is the peer's: a relay between has another certificate.
func TestFingerprintIsNotTheRelays(t *testing.T) {
	relay, peer := testutil.SelfSigned(t), testutil.SelfSigned(t)
	leaf, err := x509.ParseCertificate(relay.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	prints, err := Fingerprints(peer)
	if err != nil {
		t.Fatal(err)
	}
	l := testListener(t, Config{TLS: &tls.Config{Certificates: []tls.Certificate{relay}}})
	local := testURI(t, "msrps://127.0.0.1:9/me;tcp")
	b, err := l.Accept(SessionConfig{Local: l.NewURI(""), Remote: Path{local}})
	if err != nil {
		t.Fatal(err)
	}
	sc := SessionConfig{Local: local, Remote: Path{b.Local(), testURI(t, "msrps://127.0.0.1:9/far;tcp")}, Fingerprints: prints}
	_, err = Dial(testCtx(t), Config{Logger: quiet, TLS: &tls.Config{RootCAs: roots}}, sc)
	var se *StatusError
	if !errors.As(err, &se) || se.Code != StatusNoSession { // it is no relay, but that comes behind TLS
		t.Errorf("got %v", err)
	}
	if _, err = Dial(testCtx(t), Config{Logger: quiet}, sc); errors.As(err, &se) || err == nil {
		t.Errorf("without its authority: %v", err)
	}
}
