package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxConfigFile is the largest configuration file, in bytes. A larger file is refused
// unread, because its name was probably a mistake.
const MaxConfigFile = 1 << 20

// LoadYAML reads the YAML file at path into the struct into, which has the defaults, and
// returns the lines of the keys. See DecodeYAML.
func LoadYAML(path string, into any) (Lines, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxConfigFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(b) > MaxConfigFile {
		return nil, fmt.Errorf("%s: larger than %s", path, FormatSize(MaxConfigFile))
	}
	lines, err := DecodeYAML(b, into)
	return lines, InFile(path, err)
}

// Defaults decodes the configuration that is built into a server. It panics if that is not
// valid, which a test of the server excludes.
func Defaults[C any](text []byte) (c C) {
	if _, err := DecodeYAML(text, &c); err != nil {
		panic("default.yaml: " + err.Error())
	}
	return c
}

// Load reads the YAML file at path over the defaults, and validates the whole. After an
// error of validate, it returns the configuration, too.
func Load[C any](path string, defaults C, validate func(*C) error) (C, error) {
	c := defaults
	lines, err := LoadYAML(path, &c)
	if err != nil {
		return *new(C), err
	}
	return c, InFile(path, lines.Explain(validate(&c)))
}

// InFile adds the name of a file to an error, or to each of several joined errors.
func InFile(path string, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !ok:
		return fmt.Errorf("%s: %w", path, err)
	}
	var all []error
	for _, err := range joined.Unwrap() {
		all = append(all, fmt.Errorf("%s: %w", path, err))
	}
	return errors.Join(all...)
}
