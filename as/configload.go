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
func DefaultConfig() Config {
	var c Config
	if _, err := daemon.DecodeYAML(DefaultYAML, &c); err != nil {
		panic("as: default.yaml: " + err.Error()) // built in; held by a test
	}
	return c
}

// LoadConfig reads the file at path into the defaults and validates the result. Errors
// have the line and key.
func LoadConfig(path string) (Config, error) {
	c := DefaultConfig()
	lines, err := daemon.LoadYAML(path, &c)
	if err != nil {
		return Config{}, err
	}
	return c, daemon.InFile(path, lines.Explain(c.Validate()))
}
