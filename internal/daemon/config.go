package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

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
		if bad := badDurations(b, into); len(bad) > 0 {
			return errors.Join(bad...)
		}
		return err
	}
	return nil
}

// badDurations names the settings that are no durations, of which the decoder
// does not tell the place.
func badDurations(b []byte, into any) []error {
	var values map[string]any
	if err := yaml.Unmarshal(b, &values); err != nil {
		return nil // it is wrong in another way
	}
	return durationsOf(nil, "", values, reflect.TypeOf(into).Elem())
}

func durationsOf(errs []error, prefix string, values map[string]any, t reflect.Type) []error {
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		switch f := t.Field(i).Type; {
		case f == reflect.TypeFor[time.Duration]():
			text, ok := values[name].(string)
			if _, err := time.ParseDuration(text); ok && err != nil {
				errs = append(errs, fmt.Errorf("%s: %q is not a duration like 500ms, 30s or 1h", prefix+name, text))
			}
		case f.Kind() == reflect.Struct:
			if section, ok := values[name].(map[string]any); ok {
				errs = durationsOf(errs, prefix+name+".", section, f)
			}
		}
	}
	return errs
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
