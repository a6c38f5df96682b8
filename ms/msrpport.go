package ms

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/ms/internal/content"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/msrp"
)

// An msrpPort is the server's end of MSRP: where it takes connections, with and without TLS,
// and how it describes that in SDP.
type msrpPort struct {
	cfg         *Config
	life        *lifecycle
	log         *slog.Logger
	certificate *daemon.Certificate // the configured one
	made        *tls.Certificate    // if none is configured

	config, configTLS msrp.Config // for connections that we make, without and with TLS
	plain             *msrp.Listener
	secure            *msrp.Listener // nil without TLS
}

// open begins to take connections, whose memory is taken from a budget.
func (p *msrpPort) open(memory *msrp.Budget, trace *daemon.TraceWriter) (err error) {
	m := p.cfg.MSRP
	p.config = msrp.Config{
		MaxConns: m.Connections, MaxUnbound: m.Unbound, MaxUnboundSource: m.SourceUnbound, UnboundTimeout: m.UnboundTimeout,
		Memory: memory, Logger: p.log, Listen: p.cfg.Network.Listen, DialContext: p.cfg.Network.DialContext,
		TraceBody: p.cfg.TraceBody, Window: max(msrp.DefaultWindow, p.cfg.Push.Window),
	}
	if p.cfg.TraceBody == 0 {
		p.config.TraceBody = -1 // which says none to package msrp
	}
	if trace.Enabled() {
		p.config.Trace = func(e msrp.TraceEvent) {
			trace.Record(daemon.TraceRecord{
				Time: e.Time, Protocol: "MSRP", Direction: daemon.Direction(e.Sent),
				Local: e.Local.String(), Peer: e.Remote.String(), Raw: string(e.Raw), Size: e.Size,
			})
		}
	}
	if p.plain, err = msrp.Listen(m.Listen, p.config); err != nil {
		return fmt.Errorf("msrp: %w", err)
	}
	return p.openSecure()
}

// tlsPortAbove is how far the port for MSRP over TLS is above the port for MSRP, if no other
// is configured. The ports next to it may belong to another server.
const tlsPortAbove = 1000

// openSecure takes MSRP over TLS. Certificates are known by the fingerprints in the SDP. A
// peer without fingerprints checks our certificate, and we check that of a peer to which we
// connect, as in HTTPS. See RFC 4975, section 14.4.
func (p *msrpPort) openSecure() (err error) {
	p.configTLS = p.config
	if p.cfg.MSRP.TLSListen == off {
		return nil
	}
	roots, err := p.cfg.TLS.Roots()
	if err != nil {
		return fmt.Errorf("tls.ca: %w", err)
	}
	if !p.cfg.TLS.Enabled() {
		if err := p.makeCertificate(); err != nil {
			return err
		}
	}
	p.configTLS.TLS = &tls.Config{
		MinVersion:           tls.VersionTLS12,
		RootCAs:              roots,
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.ownCertificate() },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return p.ownCertificate() },
	}
	if p.cfg.MSRP.TLSListen != "" {
		p.secure, err = msrp.Listen(p.cfg.MSRP.TLSListen, p.configTLS)
	} else {
		p.secure, err = p.listenAbove()
	}
	if err != nil {
		return fmt.Errorf("msrp.tls_listen: %w", err)
	}
	return nil
}

// listenAbove takes MSRP over TLS at tlsPortAbove, or at a free port: the SDP says which.
func (p *msrpPort) listenAbove() (*msrp.Listener, error) {
	host, port, err := net.SplitHostPort(p.plain.Addr().String())
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if n += tlsPortAbove; err == nil && n <= 65535 && !strings.HasSuffix(p.cfg.MSRP.Listen, ":0") {
		l, err := msrp.Listen(net.JoinHostPort(host, strconv.Itoa(n)), p.configTLS)
		if err == nil {
			return l, nil
		}
		p.log.Warn("the port for MSRP over TLS is taken; a free one is used instead", "port", n, "err", err)
	}
	return msrp.Listen(net.JoinHostPort(host, "0"), p.configTLS)
}

// makeCertificate makes a certificate for MSRP over TLS, or loads the one that was made
// before. If its file cannot be written, the certificate is for this run alone. That
// suffices: peers know it by the fingerprint in each session's SDP.
func (p *msrpPort) makeCertificate() error {
	file := p.cfg.Store + ".msrp.pem"
	made, err := msrp.SelfSignedFile(file)
	if err != nil {
		p.log.Warn("the certificate for MSRP over TLS is not kept", "file", file, "err", err)
		if made, err = msrp.SelfSigned(); err != nil {
			return err
		}
	}
	p.made = &made
	return nil
}

// ownCertificate is the certificate for MSRP over TLS: the configured one, or a made one.
func (p *msrpPort) ownCertificate() (*tls.Certificate, error) {
	if p.made != nil {
		return p.made, nil
	}
	return p.certificate.Current()
}

// listener is the one for MSRP over TLS, which must be there, or for MSRP without.
func (p *msrpPort) listener(secure bool) *msrp.Listener {
	if secure {
		return p.secure
	}
	return p.plain
}

// secureAddr is where MSRP over TLS is taken, "off" if it is not.
func (p *msrpPort) secureAddr() string {
	if p.secure == nil {
		return off
	}
	return p.secure.Addr().String()
}

// describe is our end of a new MSRP session.
func (p *msrpPort) describe(setup msrp.Setup, secure bool) (*msrp.Media, error) {
	local := p.listener(secure).NewURI(p.cfg.MSRP.Host)
	prints, err := p.fingerprints(secure)
	return &msrp.Media{
		TLS: secure, Fingerprints: prints,
		Host: local.Host, Port: local.Port, Path: msrp.Path{local},
		AcceptTypes: content.AcceptTypes(), AcceptWrappedTypes: content.AcceptWrappedTypes(),
		MaxSize: p.cfg.MSRP.MaxSize, Setup: setup, SessionID: uint64(time.Now().UnixNano()), SessionVersion: 1,
	}, err
}

// offersTLS reports whether a push offers MSRP over TLS: always if it is configured, or if
// the AS asks for it because a user agent has refused the plain offer. A refusal never has us
// go without TLS.
func (p *msrpPort) offersTLS(asked string) bool {
	return p.secure != nil && (p.cfg.MSRP.OfferTLS || strings.EqualFold(asked, mscp.TransportTLS))
}

// fingerprints are those in our SDP.
func (p *msrpPort) fingerprints(secure bool) ([]string, error) {
	if !secure {
		return nil, nil
	}
	cert, err := p.ownCertificate()
	if err != nil {
		return nil, err
	}
	print, err := msrp.Fingerprint(*cert)
	return []string{print}, err
}

// fingerprintsOf are those in a peer's SDP that count: none without TLS.
func fingerprintsOf(m *msrp.Media) []string {
	if !m.TLS {
		return nil
	}
	return m.Fingerprints
}

func (p *msrpPort) sessionConfig(ours, theirs *msrp.Media, h msrp.Handler) msrp.SessionConfig {
	return msrp.SessionConfig{
		Local: ours.Path[0], Remote: theirs.Path, Handler: h, MaxSize: p.cfg.MSRP.MaxSize, Fingerprints: fingerprintsOf(theirs),
	}
}

// dial connects to a peer that is passive.
func (p *msrpPort) dial(sc msrp.SessionConfig) (*msrp.Session, error) {
	ctx, cancel := context.WithTimeout(p.life.ctx, p.cfg.Push.ConnectTimeout)
	defer cancel()
	return msrp.Dial(ctx, p.configTLS, sc)
}

// close closes the listeners when the last answers are written.
func (p *msrpPort) close() error {
	var errs []error
	for _, l := range []*msrp.Listener{p.plain, p.secure} {
		if l != nil {
			errs = append(errs, closeListener(l))
		}
	}
	return errors.Join(errs...)
}

func closeListener(l *msrp.Listener) error {
	ctx, cancel := context.WithTimeout(context.Background(), listenerTimeout)
	defer cancel()
	if err := l.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil // the last answers are cut off
}
