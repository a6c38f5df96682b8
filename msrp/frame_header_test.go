package msrp

import (
	"errors"
	"testing"
)

// TestFailureReportWords reads each value of the header, and its absence.
func TestFailureReportWords(t *testing.T) {
	for s, want := range map[string]FailureReport{"": FailureYes, "yes": FailureYes, "YES": FailureYes, "no": FailureNo, "Partial": FailurePartial} {
		if got, err := parseFailureReport(s); err != nil || got != want {
			t.Errorf("%q: got %v, %v", s, got, err)
		}
	}
	if got, err := parseFailureReport("maybe"); err == nil {
		t.Errorf("maybe is %v", got)
	}
}

// TestTimeoutIsNoResponse compares statuses with errors: a 408 is no response, and
// nothing else is anything.
func TestTimeoutIsNoResponse(t *testing.T) {
	timeout, refused := &StatusError{Code: StatusTimeout}, &StatusError{Code: StatusForbidden}
	if !errors.Is(timeout, ErrNoResponse) || errors.Is(timeout, ErrClosed) || errors.Is(refused, ErrNoResponse) {
		t.Error("408 is not no response alone")
	}
}

// TestDigestQop takes challenges with auth, or with no qop at all.
func TestDigestQop(t *testing.T) {
	for qop, want := range map[string]bool{"": true, `, qop="auth"`: true, `, qop="auth-int, auth"`: true, `, qop="auth-int"`: false, ", qop=other": false} {
		if _, err := parseChallenge(`Digest realm="a", nonce="b"` + qop); (err == nil) != want {
			t.Errorf("%q: %v", qop, err)
		}
	}
}
