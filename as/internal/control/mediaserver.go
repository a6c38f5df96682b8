package control

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// Settings are about the MSCP channels.
type Settings struct {
	Transport string        `yaml:"transport"` // tcp, tls or info
	Dialect   string        `yaml:"dialect"`   // draft, which "" means, or paper
	RetryMin  time.Duration `yaml:"retry_min"`
	RetryMax  time.Duration `yaml:"retry_max"`
	Timeout   time.Duration `yaml:"timeout"`
}

// The values of Settings.Transport.
const (
	transportTCP  = "tcp"
	transportTLS  = "tls"
	transportInfo = "info"
)

// Validate reports each setting that is wrong, with the name of its key. The transport tls
// needs a certificate of the server; hasTLS says that there is one.
func (s Settings) Validate(hasTLS bool, bad func(key, format string, args ...any)) {
	switch t := s.Transport; {
	case t != transportTCP && t != transportTLS && t != transportInfo:
		bad("control.transport", "%q is none of tcp, tls, info", t)
	case t == transportTLS && !hasTLS:
		bad("control.transport", "tls needs a tls.certificate")
	}
	if _, err := s.dialect(); err != nil {
		bad("control.dialect", "%v", err)
	}
	if s.RetryMin <= 0 {
		bad("control.retry_min", "%v is not a positive duration", s.RetryMin)
	}
	if s.RetryMax < s.RetryMin {
		bad("control.retry_max", "%v is less than control.retry_min, %v", s.RetryMax, s.RetryMin)
	}
	if s.Timeout <= 0 {
		bad("control.timeout", "%v is not a positive duration", s.Timeout)
	}
}

func (s Settings) dialect() (mscp.Dialect, error) {
	switch s.Dialect {
	case "draft", "":
		return mscp.Draft, nil
	case "paper":
		return mscp.Paper, nil
	}
	return 0, fmt.Errorf("%q is neither draft nor paper", s.Dialect)
}

// Config is what a MediaServer needs.
type Config struct {
	Settings
	Name        string // unique among those that are configured
	URI         string // of SIP
	UA          *sipua.UA
	From        string // our own SIP URI
	Certificate func() (*tls.Certificate, error)
	Network     sipua.Network
	Trace       func(mscp.TraceEvent) // nil: no trace
	Log         *slog.Logger
	// Changed is called after each change of [MediaServer.Up], CameUp when a channel is up,
	// and Notified with each notification, in their order. The first two must not block.
	Changed  func()
	CameUp   func(*MediaServer, Channel)
	Notified func(*MediaServer, mscp.Element)
}

// A MediaServer is one media server of the cluster, with its MSCP channel.
type MediaServer struct {
	cfg    Config
	mscp   mscp.Config
	dialog *mscp.Connector // of the control dialog; Run's own

	ctx    context.Context // ends when the server closes or the MS is taken from the list
	cancel context.CancelFunc

	tells atomic.Bool

	mu     sync.Mutex
	client Channel   // nil while the channel is down
	since  time.Time // when it came or went
	// inventory is what the media server is telling; nil when nothing is awaited. Its
	// contents belong to the goroutine of the channel's notifications.
	inventory *Inventory
	lastErr   error // of the channel or of a call's set-up
	failedAt  time.Time
}

// ErrDown says that a media server has no control channel now.
var ErrDown = errors.New("control channel is down")

// New makes a media server, whose channel Run sets up. It ends with ctx, or with Stop.
func New(ctx context.Context, cfg Config) (*MediaServer, error) {
	dialect, err := cfg.dialect()
	if err != nil {
		return nil, fmt.Errorf("control.dialect: %w", err)
	}
	cfg.Network = cfg.Network.WithDefaults()
	m := &MediaServer{cfg: cfg, since: time.Now()}
	m.mscp = mscp.Config{Dialect: dialect, Logger: cfg.Log, Trace: cfg.Trace, OnNotification: func(e mscp.Element) { cfg.Notified(m, e) }}
	m.ctx, m.cancel = context.WithCancel(ctx)
	return m, nil
}

// Stop ends Run.
func (m *MediaServer) Stop() { m.cancel() }

// Name returns the name in the configuration.
func (m *MediaServer) Name() string { return m.cfg.Name }

// URI returns the SIP URI.
func (m *MediaServer) URI() string { return m.cfg.URI }

// Up reports whether there is a channel.
func (m *MediaServer) Up() bool { return m.Channel() != nil }

// Tells reports whether the media server is known to report the first message and the end of
// each session, as ours does.
func (m *MediaServer) Tells() bool { return m.tells.Load() }

// SetTells notes that it does.
func (m *MediaServer) SetTells() { m.tells.Store(true) }

// Channel returns the channel, or nil while there is none.
func (m *MediaServer) Channel() Channel {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.client
}

// UpSince is when the channel came up; the zero time if there is none.
func (m *MediaServer) UpSince() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.client == nil {
		return time.Time{}
	}
	return m.since
}

// SetChannel has requests go over c, or fail if c is nil. Run calls it.
func (m *MediaServer) SetChannel(c Channel) {
	m.mu.Lock()
	m.client, m.since = c, time.Now()
	m.mu.Unlock()
	m.cfg.Changed()
}

// Failed notes a failure, for the operator.
func (m *MediaServer) Failed(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastErr, m.failedAt = err, time.Now()
}

// A Status is what an operator sees of a channel.
type Status struct {
	Up       bool
	Since    time.Time // when Up became what it is
	Err      error     // the last failure; nil if there was none
	FailedAt time.Time
}

// Status returns what is known now.
func (m *MediaServer) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Status{Up: m.client != nil, Since: m.since, Err: m.lastErr, FailedAt: m.failedAt}
}

// Do makes one MSCP request over the channel. Without one it fails at once, with ErrDown.
func (m *MediaServer) Do(ctx context.Context, req mscp.Element) (mscp.Element, error) {
	c := m.Channel()
	if c == nil {
		return nil, ErrDown
	}
	return c.Do(ctx, req)
}
