package daemon

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// healthWait bounds a health check; container runtimes have a limit of
	// their own, which is 30 s by default.
	healthWait  = 5 * time.Second
	healthBytes = 1024 // of the answer
)

// checkHealth asks a page of a running server's admin endpoint, for where there
// is no other HTTP client, such as in a container. Any status but 200 is an
// error.
func checkHealth(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, healthWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, healthBytes))
		return fmt.Errorf("healthcheck: %s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	return nil
}
