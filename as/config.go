package as

import (
	"strings"
	"time"

	"github.com/gomscp/gomscp/as/internal/access"
	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/as/internal/presence"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
)

// Config is the application server's configuration, as read from YAML.
// DefaultYAML documents each key.
type Config struct {
	Name              string              `yaml:"name"`
	SIP               SIPConfig           `yaml:"sip"`
	TLS               daemon.TLSConfig    `yaml:"tls"`
	Access            AccessConfig        `yaml:"access"`
	Limits            LimitsConfig        `yaml:"limits"`
	MediaServers      []MediaServerConfig `yaml:"media_servers"`
	Recipient         string              `yaml:"recipient"`
	OutboundProxy     string              `yaml:"outbound_proxy"`
	Presence          PresenceConfig      `yaml:"presence"`
	Directory         string              `yaml:"directory"`
	Inventory         string              `yaml:"inventory"`
	InventoryInterval time.Duration       `yaml:"inventory_interval"`
	Store             StoreConfig         `yaml:"store"`
	Push              PushConfig          `yaml:"push"`
	Control           ControlConfig       `yaml:"control"`
	Log               LogConfig           `yaml:"log"`
	Drain             time.Duration       `yaml:"drain"`
	Admin             string              `yaml:"admin"`
	AdminHosts        []string            `yaml:"admin_hosts"`
	Trace             string              `yaml:"trace"`

	// Network makes the sockets for SIP and MSCP; the zero value is that of package net.
	Network sipua.Network `yaml:"-"`
}

// AccessConfig has the peers whose requests are accepted, and the peers that authenticate
// callers.
type AccessConfig = access.Config

// LimitsConfig bounds the resources of callers; 0 means no limit. Rates are in calls a
// second, bursts and the other limits in calls, and Memory in bytes.
type LimitsConfig = access.Limits

// SIPConfig has the addresses and settings of SIP.
type SIPConfig struct {
	Listen                   string        `yaml:"listen"`
	User                     string        `yaml:"user"`
	TLSListen                string        `yaml:"tls_listen"`
	RequireClientCertificate bool          `yaml:"require_client_certificate"`
	SessionExpires           time.Duration `yaml:"session_expires"`
}

// MediaServerConfig has the settings of one media server.
type MediaServerConfig struct {
	URI    string `yaml:"uri"`
	Weight int    `yaml:"weight"`
	Name   string `yaml:"name"`
	Drain  bool   `yaml:"drain"`
}

// PresenceConfig has the settings for learning which users are reachable.
type PresenceConfig = presence.Settings

// StoreConfig has the settings of store sessions.
type StoreConfig struct {
	RestoreWait   time.Duration `yaml:"restore_wait"`
	InviteTimeout time.Duration `yaml:"invite_timeout"`
	RetryAfter    time.Duration `yaml:"retry_after"`
	FailureRest   time.Duration `yaml:"failure_rest"`
	MaxDuration   time.Duration `yaml:"max_duration"`
	MaxRecipients int           `yaml:"max_recipients"`
}

// PushConfig has the times of push sessions.
type PushConfig struct {
	Delay       time.Duration `yaml:"delay"`
	Ring        time.Duration `yaml:"ring"`
	MaxDuration time.Duration `yaml:"max_duration"`
	RetryMin    time.Duration `yaml:"retry_min"`
	RetryMax    time.Duration `yaml:"retry_max"`
}

// ControlConfig has the settings of the MSCP channels.
type ControlConfig = control.Settings

// LogConfig has the settings of the log.
type LogConfig struct {
	Level string `yaml:"level"`
}

// maxRing is the longest ringing that leaves the media server's 200 alive: it
// gives up at 64*T1 = 32 s. See RFC 3261, section 13.3.1.4.
const maxRing = 30 * time.Second

// maxWeight is the largest weight of a media server.
const maxWeight = 1_000_000

// minSessionExpires is the shortest session timer. See RFC 4028, section 5.
const minSessionExpires = 90 * time.Second

// The values of Config.Inventory: when the media servers are asked for their inventories,
// which list all pairs that they keep messages for. This is an extension of ours. A media
// server that does not know it refuses, and the directory is then as good as the file.
const (
	inventoryAlways = "always" // whenever a channel comes up
	inventoryOnce   = "once"   // until the directory has had one of the media server
	inventoryNever  = "never"
)

// minInventoryInterval is the shortest time between two inventories of a channel.
const minInventoryInterval = time.Second

// hostPort is the host and port of a SIP URI, as written.
func hostPort(uri string) string {
	s := uri
	if i := strings.IndexByte(s, ':'); i >= 0 {
		s = s[i+1:]
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	if i := strings.IndexAny(s, ";?"); i >= 0 {
		s = s[:i]
	}
	return s
}
