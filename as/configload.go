package as

import (
	_ "embed"

	"github.com/gomscp/gomscp/internal/daemon"
)

// DefaultYAML is the commented configuration file with every key at its
// default.
//
//go:embed default.yaml
var DefaultYAML []byte

// DefaultConfig returns the defaults. They have no media server, so Validate refuses
// them.
func DefaultConfig() Config { return daemon.Defaults[Config](DefaultYAML) }

// LoadConfig reads the file at path into the defaults and validates the result. Errors
// have the line and key.
func LoadConfig(path string) (Config, error) {
	return daemon.Load(path, DefaultConfig(), (*Config).Validate)
}
