package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/goccy/go-yaml"
)

// MaxConfigFile is the size, in bytes, above which a configuration file is
// refused unread: a larger one is some other file named by mistake.
const MaxConfigFile = 1 << 20

// LoadYAML reads the YAML file at path over the defaults that into already
// holds. A key that into does not know is an error, with its line: a mistyped
// key must not silently leave a default in force.
func LoadYAML(path string, into any) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxConfigFile+1))
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if len(b) > MaxConfigFile {
		return fmt.Errorf("%s: larger than %d bytes", path, MaxConfigFile)
	}
	if err := DecodeYAML(b, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// DecodeYAML is LoadYAML for a document in memory. An empty document leaves
// the defaults as they are.
func DecodeYAML(b []byte, into any) error {
	if isBlank(b) {
		return nil // the decoder would set everything to zero
	}
	err := yaml.NewDecoder(bytes.NewReader(b), yaml.DisallowUnknownField()).Decode(into)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// isBlank reports whether a document holds nothing but comments.
func isBlank(b []byte) bool {
	for line := range bytes.Lines(b) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return false
		}
	}
	return true
}
