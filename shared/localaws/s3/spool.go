package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
)

// inMemory is how much of one piece of content is kept in memory; a longer one lies in a file.
const inMemory = 1 << 20

// spool makes blobs, and the folder for those that lie in files. Its zero value is ready to use.
type spool struct {
	mu     sync.Mutex
	folder string
}

// blob is one written piece of content. It never changes, so that objects and parts can share it; its file
// goes when nothing refers to it any more, at the latest with the spool's folder.
type blob struct {
	size int64
	data []byte
	path string
}

// write reads r to its end into a new blob.
func (s *spool) write(r io.Reader) (*blob, error) {
	var head bytes.Buffer
	n, err := io.CopyN(&head, r, inMemory+1)
	if errors.Is(err, io.EOF) {
		return &blob{size: n, data: head.Bytes()}, nil
	}
	if err != nil {
		return nil, err
	}
	return s.writeFile(io.MultiReader(&head, r))
}

func (s *spool) writeFile(r io.Reader) (*blob, error) {
	folder, err := s.dir()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(folder, "blob-")
	if err != nil {
		return nil, fmt.Errorf("create file: %w", err)
	}
	n, err := io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	b := &blob{size: n, path: f.Name()}
	runtime.AddCleanup(b, removeFile, b.path)
	return b, nil
}

// removeFile removes a file that nobody needs; if it can't, the folder's removal will.
func removeFile(path string) { _ = os.Remove(path) }

func (s *spool) dir() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.folder != "" {
		return s.folder, nil
	}
	folder, err := os.MkdirTemp("", "local-s3-")
	if err != nil {
		return "", fmt.Errorf("create folder: %w", err)
	}
	s.folder = folder
	return folder, nil
}

func (s *spool) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.folder == "" {
		return nil
	}
	if err := os.RemoveAll(s.folder); err != nil {
		return fmt.Errorf("remove folder: %w", err)
	}
	s.folder = ""
	return nil
}

// content is the bytes of an object: pieces of blobs, one after the other.
type content []piece

type piece struct {
	blob         *blob
	offset, size int64
}

// contentOf is the whole of a blob.
func contentOf(b *blob) content { return content{{blob: b, size: b.size}} }

// cut is the length bytes from offset, without copying them.
func (c content) cut(offset, length int64) content {
	var out content
	for _, p := range c {
		if offset >= p.size {
			offset -= p.size
			continue
		}
		n := min(p.size-offset, length)
		if n <= 0 {
			break
		}
		out = append(out, piece{blob: p.blob, offset: p.offset + offset, size: n})
		offset, length = 0, length-n
	}
	return out
}

// copyTo writes all the bytes to w.
func (c content) copyTo(w io.Writer) error {
	for _, p := range c {
		if err := p.copyTo(w); err != nil {
			return err
		}
	}
	return nil
}

func (p piece) copyTo(w io.Writer) error {
	defer runtime.KeepAlive(p.blob)
	if p.blob.path == "" {
		_, err := w.Write(p.blob.data[p.offset : p.offset+p.size])
		return err
	}
	f, err := os.Open(p.blob.path)
	if err != nil {
		return fmt.Errorf("open content: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	_, err = io.Copy(w, io.NewSectionReader(f, p.offset, p.size))
	return err
}
