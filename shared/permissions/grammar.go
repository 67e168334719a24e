package permissions

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

const (
	lowers   = "abcdefghijklmnopqrstuvwxyz"
	uppers   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	decimals = "0123456789"
)

// IsTableName reports whether name can be a DynamoDB table's. ("Supported data types and naming rules in Amazon DynamoDB")
func IsTableName(name string) bool {
	return len(name) >= 3 && len(name) <= 255 && consists(name, lowers+uppers+decimals+"_.-")
}

// IsFunctionName reports whether name can be a Lambda function's: the name alone, without account, ARN or qualifier.
// (Lambda API Reference, CreateFunction, FunctionName)
func IsFunctionName(name string) bool {
	return name != "" && len(name) <= 64 && consists(name, lowers+uppers+decimals+"_-")
}

// IsBucketName reports whether name can be a general purpose bucket's. Access point aliases and directory buckets look alike and
// are refused: they end in suffixes that bucket names must not have. ("General purpose bucket naming rules")
func IsBucketName(name string) bool {
	if len(name) < 3 || len(name) > 63 || !consists(name, lowers+decimals+".-") {
		return false
	}
	if strings.ContainsAny(name[:1]+name[len(name)-1:], ".-") || strings.Contains(name, "..") {
		return false
	}
	for _, prefix := range [...]string{"xn--", "sthree-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	for _, suffix := range [...]string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	if !consists(name, decimals+".") {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err != nil
}

// isRegion reports whether name has the form of a region's: `us-east-1`, `us-gov-west-1`. Whether there is such a region is for
// whoever makes a host name of it to check (traps.md 21).
func isRegion(name string) bool {
	parts := strings.Split(name, "-")
	if len(name) > 32 || len(parts) < 3 || len(parts[0]) < 2 || len(parts[0]) > 4 {
		return false
	}
	number := parts[len(parts)-1]
	for _, part := range parts[:len(parts)-1] {
		if part == "" || !consists(part, lowers) {
			return false
		}
	}
	return number != "" && len(number) <= 2 && consists(number, decimals)
}

func isAccount(id string) bool { return len(id) == 12 && consists(id, decimals) }

// isPrefix reports whether s can begin a key: UTF-8, no longer than a key (1,024 bytes), no control characters.
func isPrefix(s string) bool {
	return len(s) <= 1024 && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// isKeyARN reports whether s is the ARN of a KMS key. An alias's won't do: policies match the key's own ARN only.
// (KMS Developer Guide, "Specifying KMS keys in IAM policy statements")
func isKeyARN(s string) bool {
	parts := strings.Split(s, ":")
	if len(parts) != 6 {
		return false
	}
	id, isKey := strings.CutPrefix(parts[5], "key/")
	return parts[0] == "arn" && strings.HasPrefix(parts[1], "aws") && consists(parts[1], lowers+"-") && parts[2] == "kms" &&
		isRegion(parts[3]) && isAccount(parts[4]) && isKey && isKeyID(id)
}

func isKeyID(id string) bool {
	return id != "" && len(id) <= 64 && consists(id, lowers+uppers+decimals+"-")
}

func consists(s, of string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(of, r) }) < 0
}
