package ms

import (
	_ "embed"
	"fmt"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
	"github.com/gomscp/gomscp/store"
)

// DefaultYAML is the commented configuration file with every key at its
// default.
//
//go:embed default.yaml
var DefaultYAML []byte

// Config is a media server's configuration, as read from YAML. DefaultYAML
// documents each key.
type Config struct {
	Name              string           `yaml:"name"`
	SIP               SIPConfig        `yaml:"sip"`
	TLS               daemon.TLSConfig `yaml:"tls"`
	Access            AccessConfig     `yaml:"access"`
	Control           ControlConfig    `yaml:"control"`
	MSRP              MSRPConfig       `yaml:"msrp"`
	Store             string           `yaml:"store"`
	Limits            LimitsConfig     `yaml:"limits"`
	TimeToLive        time.Duration    `yaml:"time_to_live"`
	KeepNotifications bool             `yaml:"keep_notifications"`
	KeepAutomatic     bool             `yaml:"keep_automatic"`
	Hold              time.Duration    `yaml:"hold"`
	Orphan            time.Duration    `yaml:"orphan"`
	Push              PushConfig       `yaml:"push"`
	Log               LogConfig        `yaml:"log"`
	Drain             time.Duration    `yaml:"drain"`
	Admin             string           `yaml:"admin"`
	AdminHosts        []string         `yaml:"admin_hosts"`
	Trace             string           `yaml:"trace"`
	TraceBody         int              `yaml:"trace_body" unit:"bytes"`

	// Network makes the sockets for SIP, MSCP and MSRP; the zero value is that of
	// package net.
	Network sipua.Network `yaml:"-"`
}

// SIPConfig has the addresses and settings of SIP.
type SIPConfig struct {
	Listen                   string `yaml:"listen"`
	User                     string `yaml:"user"`
	TLSListen                string `yaml:"tls_listen"`
	RequireClientCertificate bool   `yaml:"require_client_certificate"`
}

// ControlConfig configures the MSCP channels.
type ControlConfig struct {
	Host          string        `yaml:"host"`
	PortMin       int           `yaml:"port_min"`
	PortMax       int           `yaml:"port_max"`
	AcceptTimeout time.Duration `yaml:"accept_timeout"`
	Dialect       string        `yaml:"dialect"`
	RequireTLS    bool          `yaml:"require_tls"`
}

// MSRPConfig has the addresses and limits of MSRP.
type MSRPConfig struct {
	Listen    string `yaml:"listen"`
	Host      string `yaml:"host"`
	MaxSize   int64  `yaml:"max_size" unit:"bytes"`
	TLSListen string `yaml:"tls_listen"`
	OfferTLS  bool   `yaml:"offer_tls"`

	Connections    int           `yaml:"connections"`
	Unbound        int           `yaml:"unbound"`
	SourceUnbound  int           `yaml:"source_unbound"`
	UnboundTimeout time.Duration `yaml:"unbound_timeout"`
}

// off is the tls_listen that takes no MSRP over TLS.
const off = "off"

// LimitsConfig bounds the store and the memory; 0 means no limit.
type LimitsConfig struct {
	Memory            int64 `yaml:"memory" unit:"bytes"`
	RecipientMessages int   `yaml:"recipient_messages"`
	RecipientBytes    int64 `yaml:"recipient_bytes" unit:"bytes"`
	SenderMessages    int   `yaml:"sender_messages"`
	SenderBytes       int64 `yaml:"sender_bytes" unit:"bytes"`
	TotalBytes        int64 `yaml:"total_bytes" unit:"bytes"`
	MinFree           int64 `yaml:"min_free" unit:"bytes"`
}

// store are the limits as the store takes them.
func (l LimitsConfig) store() store.Limits {
	return store.Limits{
		MaxRecipientMessages: l.RecipientMessages, MaxRecipientBytes: l.RecipientBytes,
		MaxSenderMessages: l.SenderMessages, MaxSenderBytes: l.SenderBytes,
		MaxTotalBytes: l.TotalBytes, MinFree: l.MinFree, MaxIndexBytes: l.Memory / 8,
	}
}

// PushConfig configures push sessions.
type PushConfig struct {
	ConnectTimeout time.Duration `yaml:"connect_timeout"`
	ConfirmTimeout time.Duration `yaml:"confirm_timeout"`
	Window         int           `yaml:"window"`
	CPIM           bool          `yaml:"cpim"`
	Replies        bool          `yaml:"replies"`
	ReceiptWait    time.Duration `yaml:"receipt_wait"`
	GiveUp         time.Duration `yaml:"give_up"`
}

// LogConfig configures the log.
type LogConfig struct {
	Level string `yaml:"level"`
}

func (c ControlConfig) dialect() (mscp.Dialect, error) {
	switch c.Dialect {
	case "draft", "":
		return mscp.Draft, nil
	case "paper":
		return mscp.Paper, nil
	}
	return 0, fmt.Errorf("control.dialect: %q is neither draft nor paper", c.Dialect)
}
