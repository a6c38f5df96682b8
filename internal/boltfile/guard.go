package boltfile

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// A DamageError means that a part of a file could not be read.
type DamageError struct {
	Page   uint64 // number of the damaged page; 0 if it is not known
	Reason string
}

func (e *DamageError) Error() string {
	if e.Page != 0 {
		return fmt.Sprintf("damaged file: page %d: %s", e.Page, e.Reason)
	}
	return "damaged file: " + e.Reason
}

// IsDamage reports whether err is, or wraps, a DamageError.
func IsDamage(err error) bool {
	var d *DamageError
	return errors.As(err, &d)
}

// Guard calls read, which uses a file that bbolt has mapped. A panic, or a fault of the
// mapped memory, becomes a DamageError. Guard covers the calling goroutine only.
func Guard(read func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	defer func() {
		if p := recover(); p != nil {
			err = &DamageError{Reason: fmt.Sprint(p)}
		}
	}()
	return read()
}
