package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxConfigFile is the size, in bytes, above which a configuration file is
// refused unread: a larger one is some other file named by mistake.
const MaxConfigFile = 1 << 20

// LoadYAML reads the YAML file at path over the defaults that into already
// holds, and returns where its keys stand. See [DecodeYAML].
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

// InFile has an error, or each of several that are joined, name the file that it is
// about.
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
