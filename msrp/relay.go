package msrp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gomscp/gomscp/internal/wait"
)

// RelayConfig has the settings for a relay. See RFC 4976.
type RelayConfig struct {
	// Relay is the relay's URI, without a session-id. Its scheme should be
	// msrps. A domain name without a port is looked up by its SRV records, and
	// if it has none, used with port 2855.
	Relay URI
	// Local is our own URI, with the session-id of the first session.
	Local URI
	// Username and Password answer the relay's challenge.
	Username, Password string
	// Expires is how long the relay is asked to keep us, in whole seconds;
	// 0 leaves it to the relay.
	Expires time.Duration
}

const (
	relayTries       = 4                // AUTH requests until one is answered with 200
	relayExpires     = 15 * time.Minute // if the relay does not say
	relayMinRefresh  = time.Second      // AUTH is not refreshed more often
	relayMaxExpires  = 24 * time.Hour   // nor less often than half of this
	hdrAuthenticate  = "WWW-Authenticate"
	hdrAuthorization = "Authorization"
	hdrUsePath       = "Use-Path"
	hdrExpires       = "Expires"
	hdrMinExpires    = "Min-Expires"
	hdrMaxExpires    = "Max-Expires"
)

// Relay is a connection to a relay that has authorized us. Sessions over it are made with
// Dial and Accept. It refreshes the authorization until it is closed or the connection is
// lost.
type Relay struct {
	rc          RelayConfig
	cfg         *Config
	c           *conn
	stopRefresh context.CancelFunc
	refreshDone chan struct{} // closed when the refreshing has ended

	// The refreshing goroutine's own, after OpenRelay has returned.
	auth    *challenge
	sendURI bool
	expires time.Duration // asked for

	usePath Path // does not change
}

// OpenRelay connects to a relay and sends AUTH until it is authorized. A refusal is a
// *StatusError. See RFC 4976, section 5.1.
func OpenRelay(ctx context.Context, cfg Config, rc RelayConfig) (*Relay, error) {
	full, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if rc.Local.SessionID == "" || rc.Relay.Host == "" {
		return nil, errors.New("msrp: RelayConfig needs Relay and Local")
	}
	if err := rc.Local.checkOwn(); err != nil {
		return nil, fmt.Errorf("msrp: RelayConfig.Local: %s", problemOf(err))
	}
	nc, err := connectRelay(ctx, full, rc.Relay)
	if err != nil {
		return nil, err
	}
	r := &Relay{rc: rc, cfg: full, c: newConn(nc, full, nil), refreshDone: make(chan struct{}), expires: rc.Expires}
	r.c.kept = true
	r.c.startReader()
	path, lasts, err := r.authorize(ctx)
	if err != nil {
		r.c.close(ErrClosed)
		r.c.loops.Wait()
		return nil, err
	}
	r.usePath = path
	rctx, cancel := context.WithCancel(context.Background())
	r.stopRefresh = cancel
	go r.refresh(rctx, lasts)
	return r, nil
}

// Path returns the path for our SDP: the relays and our own URI.
func (r *Relay) Path() Path { return r.path(r.rc.Local) }

func (r *Relay) path(local URI) Path {
	p := slices.Clone(r.usePath)
	slices.Reverse(p) // [RFC4976-5.1-3]
	return append(p, local)
}

// Done is closed when the connection to the relay has ended.
func (r *Relay) Done() <-chan struct{} { return r.c.stop }

// Close ends the sessions over the relay and the connection to it.
func (r *Relay) Close() error {
	r.stopRefresh()
	r.c.close(ErrClosed)
	<-r.refreshDone
	r.c.loops.Wait()
	return nil
}

// Accept makes a session that waits for its peer's first request; it is bound at once.
// sc.Remote is the peer's path; if it is not known yet, call SetRemote later. sc.Local
// may be empty.
func (r *Relay) Accept(sc SessionConfig) (*Session, error) {
	if sc.Local.SessionID == "" {
		sc.Local = r.rc.Local
	}
	s, err := newSession(r.cfg, sc, nil, r.usePath)
	if err != nil {
		return nil, err
	}
	if se := s.bindAndOpen(r.c); se != nil {
		return nil, lost(r.c.reason())
	}
	return s, nil
}

// Dial makes a session and binds it with an empty SEND through the relays.
func (r *Relay) Dial(ctx context.Context, sc SessionConfig) (*Session, error) {
	s, err := r.Accept(sc)
	if err != nil {
		return nil, err
	}
	if err := s.sendBinding(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// authorize sends AUTH, answers challenges, and gives what the 200 said.
func (r *Relay) authorize(ctx context.Context) (Path, time.Duration, error) {
	var last error
	for range relayTries {
		h, err := r.sendAuth(ctx)
		if err == nil {
			return authorized(h)
		}
		last = err
		var se *StatusError
		if !errors.As(err, &se) || !r.adapt(se, h) {
			break
		}
	}
	return nil, 0, last
}

// adapt changes the next AUTH as a refusal asks; false means that there is
// nothing to be changed.
func (r *Relay) adapt(se *StatusError, h Header) bool {
	switch se.Code {
	case StatusUnauthorized:
		c, err := parseChallenge(h.Get(hdrAuthenticate))
		if err != nil || r.rc.Username == "" {
			return false
		}
		if r.auth != nil && r.auth.count > 0 && !c.stale && r.usePath == nil {
			if r.sendURI {
				return false // neither form was right
			}
			r.sendURI = true
		}
		r.auth = c
		return true
	case StatusOutOfBounds:
		for _, name := range []string{hdrMinExpires, hdrMaxExpires} {
			if n, err := strconv.ParseUint(h.Get(name), 10, 31); err == nil && n > 0 {
				r.expires = time.Duration(n) * time.Second
				return true
			}
		}
	}
	return false
}

func (r *Relay) sendAuth(ctx context.Context) (Header, error) {
	tid := newTransactionID()
	uri := r.rc.Relay.String()
	b := appendRequest(nil, tid, "AUTH", uri, r.rc.Local.String())
	if r.expires > 0 {
		b = appendField(b, hdrExpires, strconv.FormatInt(int64(max(r.expires/time.Second, 1)), 10))
	}
	if r.auth != nil {
		b = appendField(b, hdrAuthorization,
			r.auth.authorization(r.rc.Username, r.rc.Password, uri, newID(transactionSize), r.sendURI))
	}
	return r.c.exchange(ctx, tid, b)
}

// authorized reads the 200 to an AUTH.
func authorized(h Header) (Path, time.Duration, error) {
	path, err := ParsePath(h.Get(hdrUsePath))
	if err != nil {
		return nil, 0, fmt.Errorf("msrp: Use-Path of the relay: %w", err)
	}
	lasts := relayExpires
	if n, err := strconv.ParseUint(h.Get(hdrExpires), 10, 31); err == nil && n > 0 {
		lasts = min(time.Duration(n)*time.Second, relayMaxExpires)
	}
	return path, lasts, nil
}

// refresh sends AUTH again in good time [RFC4976-5.1-1].
func (r *Relay) refresh(ctx context.Context, lasts time.Duration) {
	defer close(r.refreshDone)
	for {
		if !wait.ForEither(max(lasts/2, relayMinRefresh), r.c.stop, ctx.Done()) {
			return
		}
		_, again, err := r.authorize(ctx)
		if err != nil {
			if ctx.Err() == nil {
				r.cfg.Logger.Warn("msrp relay refused to go on", "relay", r.rc.Relay.Host, "err", err)
			}
			r.c.close(lost(fmt.Errorf("relay: %w", err)))
			return
		}
		lasts = again
	}
}
