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
