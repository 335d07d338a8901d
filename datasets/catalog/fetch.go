package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Download is one file to fetch.
type Download struct {
	URL    string
	Path   string // where it goes; PATH.part until it is whole and its sum is right
	SHA256 string // hex; "" = not checked, only reported
	// Progress, if set, is called as bytes arrive; total is -1 when not known.
	Progress func(done, total int64)
}

// Fetch downloads d and returns the file's SHA-256 in hex. A PATH.part that an
// earlier call left behind is continued, if the server says that it is still the
// same file. On a wrong sum the part is removed and nothing is put in place.
func Fetch(ctx context.Context, client *http.Client, d Download) (sum string, err error) {
	if err := os.MkdirAll(filepath.Dir(d.Path), 0o755); err != nil {
		return "", err
	}
	part := d.Path + ".part"
	if err := fetchPart(ctx, client, d, part); err != nil {
		err = fmt.Errorf("downloading %s: %w", d.URL, err)
		if have, _ := partState(part); have > 0 {
			err = fmt.Errorf("%w (what has arrived is kept in %s: run the same command again to continue)", err, part)
		}
		return "", err
	}
	if sum, err = fileSHA256(part); err != nil {
		return "", err
	}
	if d.SHA256 != "" && !strings.EqualFold(sum, d.SHA256) {
		return "", errors.Join(
			fmt.Errorf("%s has SHA-256 %s, want %s: the file was changed or damaged; it was removed", d.URL, sum, d.SHA256),
			os.Remove(part), removeIfThere(tagPath(part)))
	}
	if err := removeIfThere(tagPath(part)); err != nil {
		return "", err
	}
	return sum, os.Rename(part, d.Path)
}

// tagPath holds the validator (ETag or Last-Modified) of a part: without it the
// rest of another version could be appended.
func tagPath(part string) string { return part + ".tag" }

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func fetchPart(ctx context.Context, client *http.Client, d Download, part string) error {
	have, tag := partState(part)
	resp, err := get(ctx, client, d.URL, have, tag)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	switch {
	case resp.StatusCode == http.StatusPartialContent && rangeStart(resp) == have:
		flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	case resp.StatusCode == http.StatusOK:
		have = 0
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && have > 0:
		return nil // nothing is missing; the sum decides
	default:
		return fmt.Errorf("the server answered %s", resp.Status)
	}
	if err := os.WriteFile(tagPath(part), []byte(validator(resp)), 0o644); err != nil {
		return err
	}
	f, err := os.OpenFile(part, flags, 0o644)
	if err != nil {
		return err
	}
	total := int64(-1)
	if resp.ContentLength >= 0 {
		total = have + resp.ContentLength
	}
	_, err = io.Copy(&meter{w: f, done: have, total: total, report: d.Progress}, resp.Body)
	return errors.Join(err, f.Close())
}

// partState is how many bytes of a part can be continued, and its validator.
func partState(part string) (have int64, tag string) {
	info, err := os.Stat(part)
	if err != nil {
		return 0, ""
	}
	b, err := os.ReadFile(tagPath(part))
	if err != nil || len(b) == 0 {
		return 0, ""
	}
	return info.Size(), string(b)
}

func get(ctx context.Context, client *http.Client, url string, from int64, tag string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
		req.Header.Set("If-Range", tag)
	}
	return client.Do(req)
}

// validator is what If-Range may be given later; weak ETags do not qualify.
func validator(resp *http.Response) string {
	if tag := resp.Header.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return resp.Header.Get("Last-Modified")
}

// rangeStart is the first byte of a 206 answer, -1 when it does not say.
func rangeStart(resp *http.Response) int64 {
	s, ok := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes ")
	if !ok {
		return -1
	}
	first, _, _ := strings.Cut(s, "-")
	n, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

type meter struct {
	w           io.Writer
	done, total int64
	report      func(done, total int64)
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.done += int64(n)
	if m.report != nil {
		m.report(m.done, m.total)
	}
	return n, err
}

func fileSHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
