# SPDX-License-Identifier: Apache-2.0
"""pictures_and_paper: pictures, sound, typesetting, office and the browser."""

from listed_program import Program

TEX = r'''
\documentclass{article}\begin{document}\tableofcontents\section{One}\label{a}
$$\int_0^1 x^2\,dx=\frac13$$ See \ref{a}. \newcount\n\loop\n=\numexpr\n+1\relax Line \the\n.\par
\ifnum\n<300\repeat\end{document}
'''

PROGRAMS = (
    Program("ffmpeg", packages="ffmpeg", limit_s=300, script='''
        $under ffmpeg -hide_banner -loglevel error -bitexact -f lavfi -i testsrc=d=2:s=320x240 \\
            -f lavfi -i sine=d=2 -c:v mpeg4 -threads 2 -flags +bitexact -c:a aac \\
            -fflags +bitexact a.mp4 </dev/null
        $under ffmpeg -hide_banner -loglevel error -i a.mp4 -vf scale=160:-1,hue=s=0 -frames:v 9 \\
            f%d.png </dev/null
        $under ffprobe -v error -show_format -show_streams -of json a.mp4 | grep -c codec_name
        $under ffmpeg -v error -i /nonexistent; echo $?
        '''),
    Program("imagemagick", packages="imagemagick", limit_s=300, script='''
        $under convert -size 200x200 plasma:red-blue -seed 1 +set date:create +set date:modify \\
            -define png:exclude-chunks=date,time a.ppm
        $under convert a.ppm -resize 50% -rotate 30 -blur 0x3 -quality 80 b.jpg
        $under identify -format '%m %w %h\\n' b.jpg; $under compare -metric AE a.ppm a.ppm n.ppm
        echo
        $under montage b.jpg b.jpg -geometry +2+2 m.ppm; $under convert /nonexistent x.png; echo $?
        ''', vary=[("stderr", "@ .*", "where in its code")]),
    Program("vips", packages="libvips-tools", script='''
        $under vips gaussnoise a.v 300 300; $under vips resize a.v b.v 0.5
        $under vips hist_find b.v h.csv
        $under vipsheader b.v; $under vips avg /nonexistent; echo $?
        ''', vary=[("names", ".*\\.(v|csv)", "noise")]),
    Program("sox, flac, ogg", packages="sox flac vorbis-tools", script='''
        $under sox -n -r 44100 -R a.wav synth 2 sine 440 vol 0.5
        $under flac -s --totally-silent a.wav
        $under flac -s -t a.flac; $under oggenc -Q -s 1 a.wav
        $under sox a.wav -n stat 2>&1 | head -4
        '''),
    Program("gnuplot", packages="gnuplot-nox", script='''
        $under gnuplot -d -e 'set term svg; set output "a.svg"; splot sin(x) * cos(y) with pm3d;
            set term dumb; set output; plot sin(x); set fit quiet; f(x) = a * x + b;
            fit f(x) "+" using 1:($1 * 2) via a, b
            print a'; cksum a.svg; $under gnuplot -e bad; echo $?
        ''', vary=[("names", "fit.log", "times")]),
    Program("graphviz", packages="graphviz", script='''
        seq 1 150 | awk '{ print $1 % 31 "->" $1 % 17 }' | sort -u | sed '1i digraph {' >a
        echo '}' >>a
        for l in dot neato circo; do $under $l -Tsvg a | cksum; done; $under dot -Tpng a -o a.png
        echo 'digraph {' | $under dot; echo $?
        '''),
    Program("ghostscript", packages="ghostscript", script='''
        printf '%%!PS\\n/Times-Roman findfont 20 scalefont setfont 72 72 moveto (text) show\\n' \\
            >a.ps
        printf '0 1 99 { dup 2 mul moveto 50 50 rlineto stroke } for showpage\\n' >>a.ps
        $under gs -q -dBATCH -dNOPAUSE -sDEVICE=ppmraw -o a.ppm a.ps; cksum a.ppm
        $under gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -o a.pdf a.ps
        $under gs -q -dBATCH bad </dev/null; echo $?
        ''', vary=[("names", "a.pdf", "times and ids")]),
    Program("poppler", packages="poppler-utils ghostscript", prepare='''
        printf '%%!PS\\n/Times-Roman findfont 20 scalefont setfont\\n' >a.ps
        printf '72 72 moveto (text) show showpage\\n' >>a.ps
            gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -o a.pdf a.ps
        ''', script='''
        $under pdftotext -layout a.pdf -; $under pdftoppm -r 50 a.pdf p
        $under pdfinfo a.pdf | grep Pages
        ''', vary=[("names", "a.pdf", "it was made natively, before")]),
    Program("pdflatex", packages="texlive-latex-base", limit_s=300, script='''
        export SOURCE_DATE_EPOCH=0 FORCE_SOURCE_DATE=1; cat >a.tex <<'END' %s
END
        for i in 1 2; do $under pdflatex -interaction=batchmode a; done; echo $?
        cksum a.pdf a.aux a.toc
        $under tex -interaction=nonstopmode '\\\\undefined \\\\end' | tail -4; echo $?
        ''' % TEX, vary=[("names", "\\.texlive.*", "caches of fonts")]),
    Program("pandoc", packages="pandoc", script='''
        printf '# Head\\n\\n- a *b*\\n- c\\n\\n| x | y |\\n|---|---|\\n| 1 | 2 |\\n' >a.md
        for f in html latex docbook man; do $under pandoc -t $f a.md; done
        $under pandoc a.md -o a.docx
        $under pandoc a.docx -t plain
        ''', vary=[("names", "a.docx", "times")]),
    Program("libreoffice", packages="libreoffice-writer-nogui", limit_s=300, script='''
        printf 'First line\\nsecond line\\n' >a.txt
        $under soffice --headless --norestore -env:UserInstallation=file://$PWD/profile \\
            --convert-to odt --outdir out a.txt; echo $?
        $under soffice --headless --norestore -env:UserInstallation=file://$PWD/profile \\
            --convert-to pdf --outdir out out/a.odt; ls out
        ''', vary=[("names", "profile/.*|out/.*|\\.(config|cache).*", "times and ids")]),
    Program("inkscape", packages="inkscape", limit_s=300, script='''
        cat >a.svg <<'END'
<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><circle cx="45" cy="45" r="40"
fill="red"/>
<path d="M 5 5 L 85 85" stroke="blue"/></svg>
END
        $under inkscape --export-type=png -o a.png a.svg; ls
        $under inkscape --query-all a.svg | head -3
        ''', vary=[("names", "\\.(config|cache|local).*|a.png", "times"),
                   ("stderr", ".*", "warnings about displays and buses")]),
    Program("tesseract", packages="tesseract-ocr imagemagick fonts-dejavu-core", prepare='''
        convert -size 400x80 -pointsize 40 -fill black -gravity center caption:'Some text 42' a.png
        ''', script='''
        OMP_THREAD_LIMIT=2 $under tesseract a.png - 2>log; echo $?
        ''', vary=[("names", "a.png|log", "made natively, before")]),
    Program("chromium without its sandbox", packages="chromium", limit_s=300, script='''
        echo '<p id=a></p><script>a.textContent = [...Array(9).keys()].map(x => x * x)</script>' \\
            >a.html
        $under chromium --headless --no-sandbox --disable-gpu --user-data-dir=$PWD/profile \\
            --dump-dom file://$PWD/a.html 2>log; echo $?
        ''', vary=[("names", "profile/.*|log|\\.(config|cache|pki|local).*", "times and ids")]),
    Program("chromium", packages="chromium chromium-sandbox", limit_s=300, needs_root=True,
            script='''
        chmod 777 .; echo '<p id=a></p><script>a.textContent = 6 * 7</script>' >a.html
        $under setpriv --reuid=65534 --regid=65534 --clear-groups chromium --headless \\
            --disable-gpu \\
            --user-data-dir=$PWD/profile --dump-dom file://$PWD/a.html 2>log; echo $?
        ''', vary=[("names", "profile/.*|log|\\.(config|cache|pki|local).*", "times and ids")]),
    Program("firefox", packages="firefox-esr", limit_s=300, script='''
        echo '<p id=a></p><script>a.textContent = 6 * 7</script>' >a.html; mkdir profile
        $under firefox-esr --headless --no-remote --profile $PWD/profile --window-size 300,200 \\
            --screenshot $PWD/a.png file://$PWD/a.html >log 2>&1; echo $?; test -s a.png; echo $?
        ''', vary=[("names", r"profile/.*|log|a.png|\.(config|cache|mozilla).*|Desktop|Downloads",
                    "times and ids")]),
)
