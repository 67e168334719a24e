package rolekit

import (
	"fmt"
	"strings"
)

// shellHead begins the script, to be filled with the role's name and path, its trust policy, and the policy's name.
//
// Options are written --name=value throughout: a role's name may begin with a dash.
const shellHead = `#!/bin/sh
# Creates the IAM role that Arngate assumes, or brings it up to date. Read it, save it to a file, and run that with sh, the AWS
# CLI being set up for an administrator of the account.
set -eu

role=%s
path=%s
trust=%s

arn=$(aws iam get-role --role-name="$role" --query=Role.Arn --output=text 2>/dev/null) || arn=
case $arn in
  '')
    aws iam create-role --path="$path" --role-name="$role" --assume-role-policy-document="$trust" >/dev/null
    ;;
  *":role$path$role")
    aws iam update-assume-role-policy --role-name="$role" --policy-document="$trust"
    ;;
  *)
    printf '%%s\n' "There is a role of that name under another path, and a path can't be changed: choose another role_name." >&2
    exit 1
    ;;
esac
`

const shellPermissions = `
permissions=%s
aws iam put-role-policy --role-name="$role" --policy-name=%s --policy-document="$permissions"
`

const shellNoPermissions = `
# No connection uses the provider: the role may do nothing.
if aws iam get-role-policy --role-name="$role" --policy-name=%[1]s >/dev/null 2>&1; then
  aws iam delete-role-policy --role-name="$role" --policy-name=%[1]s
fi
`

const shellCORS = `
# set_cors BUCKET RULES lets browsers use presigned URLs. A bucket that has rules keeps them: add these by hand.
set_cors() {
  case $(aws s3api get-bucket-cors --bucket="$1" 2>&1) in
    *NoSuchCORSConfiguration*) aws s3api put-bucket-cors --bucket="$1" --cors-configuration="$2" ;;
    *) printf 'CORS rules of the bucket %s are left as they are.\n' "$1" >&2 ;;
  esac
}
`

const shellLifecycle = `
# Suggested, where the bucket has no lifecycle rules of its own, which this would replace: an end for the parts of uploads that
# nobody completed. They are stored, and paid for, until then.
`

const shellTail = `
printf '%s\n' "The role, to be entered as role_arn:" >&2
aws iam get-role --role-name="$role" --query=Role.Arn --output=text
`

// CLI is the kit as a POSIX shell script that calls the AWS CLI, version 1 or 2. Run again, it brings the role up to date.
func (k *Kit) CLI() string {
	var out strings.Builder
	fmt.Fprintf(&out, shellHead, quoteShell(k.options.RoleName), quoteShell(k.options.RolePath), quoteShell(k.trust))
	if k.permissions != "" {
		fmt.Fprintf(&out, shellPermissions, quoteShell(k.permissions), PolicyName)
	} else {
		fmt.Fprintf(&out, shellNoPermissions, PolicyName)
	}
	if k.hasCORS() {
		out.WriteString(shellCORS)
	}
	for _, b := range k.buckets {
		if b.CORS != nil {
			fmt.Fprintf(&out, "set_cors %s %s\n", quoteShell(b.Name), quoteShell(asciiJSON(compact(b.CORS))))
		}
	}
	k.suggestLifecycle(&out)
	out.WriteString(shellTail)
	return out.String()
}

// suggestLifecycle writes commands as comments: JSON in ASCII on one line can't break out of its line.
func (k *Kit) suggestLifecycle(out *strings.Builder) {
	headed := false
	for _, b := range k.buckets {
		if b.Lifecycle == nil {
			continue
		}
		if !headed {
			out.WriteString(shellLifecycle)
			headed = true
		}
		fmt.Fprintf(out, "# aws s3api put-bucket-lifecycle-configuration --bucket=%s --lifecycle-configuration=%s\n",
			quoteShell(b.Name), quoteShell(asciiJSON(compact(b.Lifecycle))))
	}
}

// quoteShell makes one word of s for a POSIX shell. Within single quotes nothing is special but the quote itself.
// (POSIX.1-2024, Shell Command Language, 2.2.2)
func quoteShell(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
