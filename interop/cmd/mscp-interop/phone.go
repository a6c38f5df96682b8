package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gomscp/gomscp/internal/printable"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/msrp"
	"github.com/gomscp/gomscp/sipua"
)

// phoneFlags are those that send and receive share.
type phoneFlags struct {
	proxy, password, setup, listen, ca string
	tls, verbose                       bool
}

func (f *phoneFlags) define(fs *flag.FlagSet) {
	fs.StringVar(&f.password, "password", "", "your password, if the server asks for one")
	fs.StringVar(&f.listen, "listen", "", "the address for SIP, `host:port`; MSRP uses another port of the same host. The default is a free port of the address that reaches the proxy")
	fs.StringVar(&f.ca, "ca", "", "a `file` of trusted authorities, in PEM, for ;transport=tls; the default are those of the system")
	fs.BoolVar(&f.tls, "tls", false, "use MSRP over TLS, with a certificate for this call and its fingerprint in SDP")
	fs.BoolVar(&f.verbose, "v", false, "show the SIP and MSRP messages, on standard error")
}

// check finds what is wrong with the flags.
func (f *phoneFlags) check() error {
	if f.setup != "" && f.setup != string(msrp.SetupActive) && f.setup != string(msrp.SetupPassive) {
		return fmt.Errorf("--setup: %q is neither active nor passive", f.setup)
	}
	if f.listen != "" {
		if _, _, err := net.SplitHostPort(f.listen); err != nil {
			return fmt.Errorf("--listen: %w", err)
		}
	}
	return nil
}

// config makes the configuration of a phone.
func (f *phoneFlags) config(user string) (softphone.Config, error) {
	c := softphone.Config{User: user, Password: f.password, Proxy: f.proxy, Setup: msrp.Setup(f.setup), Addr: f.listen}
	if c.Addr == "" {
		c.Addr = net.JoinHostPort(localHost(f.proxy), "0")
	}
	if strings.Contains(strings.ToLower(f.proxy), "transport=tls") {
		roots, err := readRoots(f.ca)
		if err != nil {
			return c, err
		}
		own, err := msrp.SelfSigned()
		if err != nil {
			return c, err
		}
		c.SIPTLS = &sipua.TLSConfig{Certificate: func() (*tls.Certificate, error) { return &own, nil }, RootCAs: roots}
	}
	if f.tls {
		own, err := msrp.SelfSigned()
		if err != nil {
			return c, err
		}
		c.MSRPTLS = &tls.Config{Certificates: []tls.Certificate{own}}
	}
	if f.verbose {
		w := &wire{w: os.Stderr}
		c.TraceSIP = func(e sipua.TraceEvent) { w.show("SIP", e.Time, e.Sent, e.Local, e.Remote, e.Raw) }
		c.TraceMSRP = func(e msrp.TraceEvent) {
			w.show("MSRP", e.Time, e.Sent, e.Local.String(), e.Remote.String(), e.Raw)
		}
	}
	return c, nil
}

// localHost is the address of this host from which the proxy is reached; no packet
// is sent for that.
func localHost(proxy string) string {
	addr, _, _ := strings.Cut(proxy, ";")
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = net.JoinHostPort(strings.Trim(addr, "[]"), "5060")
	}
	conn, err := net.Dial("udp", addr)
	if err != nil {
		return "127.0.0.1" // what is wrong with the proxy's name is told by the first request
	}
	defer conn.Close()
	host, _, _ := net.SplitHostPort(conn.LocalAddr().String()) // it has both
	return host
}

func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New(file + " has no certificate")
	}
	return roots, nil
}

// A wire shows messages, one at a time.
type wire struct {
	mu sync.Mutex
	w  io.Writer
}

func (w *wire) show(protocol string, at time.Time, sent bool, local, remote string, raw []byte) {
	arrow := "<-"
	if sent {
		arrow = "->"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(w.w, "%s %s %s %s %s\n", at.Format("15:04:05.000"), protocol, printable.String(local), arrow, printable.String(remote))
	for line := range strings.Lines(printable.Text(string(raw))) {
		fmt.Fprintf(w.w, "  %s\n", strings.TrimSuffix(line, "\n"))
	}
}
