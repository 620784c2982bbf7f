#!/usr/bin/env python3
"""Checks an export of an audit trail, or a signed checkpoint.
Written from docs/audit-format.md alone, with nothing but the standard library.

    verify_audit.py export FILE [--vkey KEY]...
    verify_audit.py checkpoint FILE --vkey KEY...

A KEY is a C2SP verifier key from elsewhere: keys in the file are only a claim.
Of the signatures those with Ed25519 are checked, not those with ML-DSA-44.
Prints one verdict per line. Exit status: 0 all fine, 1 something is wrong, 2 usage.
"""
import argparse, base64, functools, hashlib, json, struct, sys, uuid

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P

def sha256(data):
    return hashlib.sha256(data).digest()

def recover_x(y, sign):  # RFC 8032, 5.1.3
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x * pow(2, (P - 1) // 4, P) % P if (x * x - square) % P else x
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return P - x if (x & 1) != sign else x

def decode_point(data):
    sign, y = divmod(int.from_bytes(data, "little"), 1 << 255)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)

def add(p, q):  # RFC 8032, 5.1.4
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)

def multiply(n, p):
    q = (0, 1, 1, 0)
    while n:
        q = add(q, p) if n & 1 else q
        p, n = add(p, p), n >> 1
    return q

BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y, 1, recover_x(BASE_Y, 0) * BASE_Y % P)

def ed25519_verify(public, message, signature):  # RFC 8032, 5.1.7
    a, r = decode_point(public[:32]), decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L or (len(public), len(signature)) != (32, 64):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = multiply(s, BASE), add(r, multiply(k, a))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0

def checkpoint(note, vkeys):
    """Origin, size and root of a signed note; whether a given key signed it."""
    text, _, lines = note.rpartition("\n\n")
    (origin, size, root), signed = text.split("\n")[:3], False
    text += "\n"
    for line in filter(None, lines.split("\n")):
        dash, name, encoded = line.split(" ")
        blob = base64.b64decode(encoded, validate=True)
        assert dash == "—", "not a signature line"
        for vkey in vkeys:
            key_name, key_id, key = vkey.split("+", 2)
            key = base64.b64decode(key, validate=True)
            own_id = sha256(key_name.encode() + b"\n" + key)[:4]
            assert own_id.hex() == key_id, "the id of the key is wrong"
            if key[0] == 1 and key_name == name == origin and blob[:4] == own_id:
                assert ed25519_verify(key[1:], text.encode(), blob[4:]), "the signature is wrong"
                signed = True
    assert size.isascii() and size.isdigit() and str(int(size)) == size, "the size is no number"
    return origin, int(size), base64.b64decode(root, validate=True), signed

def node(left, right):
    return sha256(b"\1" + left + right)

def push(stack, size, leaf):  # a compact range: one hash per bit of the size
    while size & 1:
        leaf, size = node(stack.pop(), leaf), size >> 1
    stack.append(leaf)

def root_of(stack):
    return functools.reduce(lambda right, left: node(left, right), reversed(stack)) if stack else sha256(b"")

def consistent(old_size, new_size, old_root, new_root, path):  # RFC 9162, 2.1.4.2
    if old_size == new_size or not 0 < old_size < new_size or not path:
        return (old_size, old_root, []) == (new_size, new_root, path)
    path = list(path) if old_size & (old_size - 1) else [old_root] + list(path)
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root

def check_export(lines, vkeys):
    verdicts = {"integrity": "ok", "completeness": "ok", "projection": "ok", "anchor": "not_configured"}

    def wrong(verdict, what):
        verdicts[verdict] = "failed"
        print(f"line {number}: {verdict}: {what}", file=sys.stderr)

    header = trailer = known = last = None
    stack, size, count, number = [], 0, 0, 0
    for number, line in enumerate(lines, 1):
        try:
            item = json.loads(line)
            kind = item["type"]
            if trailer is not None or (kind == "header") != (number == 1) or line[-1:] != b"\n":
                wrong("completeness", "a line out of place")
            elif kind == "header":
                header, chain = item, uuid.UUID(item["chain"]).bytes
                stack, size = [bytes.fromhex(h) for h in item["start"]["hashes"]], item["start"]["size"]
                if item["format"] != "valueverse-audit-export/1" or size != item["from"] - 1 \
                        or len(stack) != bin(size).count("1"):
                    wrong("completeness", "the header contradicts itself")
                if item["checkpoint"]:
                    *known, signed = checkpoint(item["checkpoint"], vkeys)
                    verdicts["anchor"] = "ok" if signed else "not_configured" if not vkeys else "failed"
                    if known[0].rpartition("/")[2] != item["chain"]:
                        wrong("anchor", "the checkpoint is of another chain")
            elif kind == "event":
                leaf, count = base64.b64decode(item["leaf"], validate=True), count + 1
                magic, height, micros = struct.unpack(">5sQQ", leaf[:21])
                body, own = json.loads(leaf[69:].decode()), sha256(b"\0" + leaf)
                whole = header["selection"] is None
                if magic != b"VVA1\0" or leaf[21:37] != chain or own.hex() != item["leaf_hash"]:
                    wrong("integrity", "the leaf does not have this hash or chain")
                if whole and last not in (None, leaf[37:69]):
                    wrong("integrity", "the leaf does not hold the hash of the one before")
                if (whole and height != size + 1) or not header["from"] <= height <= header["to"]:
                    wrong("completeness", f"height {height} is out of place")
                said = dict(event_id="eid", outcome="out", severity="sev", actor="actor", target="res",
                            request="req", session="sess", details="d")
                said = {shown: body[name] for shown, name in said.items()} | body["src"] | {
                    "height": height, "prev_hash": leaf[37:69].hex(), "chain": header["chain"],
                    "kind": body["cat"] + "." + body["act"]}
                if any(item[name] != value for name, value in said.items()):
                    wrong("projection", "a field differs from the leaf")
                push(stack, size, own)
                size, last = size + 1, own
            else:
                trailer = item
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, AssertionError, struct.error) as error:
            wrong("anchor" if number == 1 and header else "completeness", f"cannot be read: {error}")
    if header is None or trailer is None:
        wrong("completeness", "the file is cut off")
    else:
        if trailer["count"] != count or trailer["last_hash"] != (last.hex() if last else None):
            wrong("completeness", "count or last hash of the trailer is wrong")
        if header["selection"] is None:
            root = root_of(stack)
            if trailer["root"] != root.hex() or size != header["to"]:
                wrong("integrity", "the tree is not the one of the trailer")
            path = [bytes.fromhex(h) for h in trailer["consistency"]]
            if known and not consistent(size, known[1], root, known[2], path):
                wrong("anchor", "the tree is not part of the one that was signed")
    return verdicts, count

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["export", "checkpoint"])
    parser.add_argument("file")
    parser.add_argument("--vkey", action="append", default=[])
    args = parser.parse_args()
    with open(args.file, "rb") as file:
        if args.what == "export":
            verdicts, count = check_export(file, args.vkey)
            print("events", count)
        else:
            verdicts = {"signature": "failed"}
            try:
                origin, size, root, signed = checkpoint(file.read().decode(), args.vkey)
                print(f"origin {origin}\nsize {size}\nroot {root.hex()}")
                verdicts["signature"] = "ok" if signed else "failed"
            except (ValueError, AssertionError, IndexError) as error:
                print(error, file=sys.stderr)
    for name, verdict in verdicts.items():
        print(name, verdict)
    sys.exit(1 if "failed" in verdicts.values() else 0)

if __name__ == "__main__":
    main()
