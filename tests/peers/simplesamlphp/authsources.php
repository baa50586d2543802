<?php
$config = [
@PROVIDERS@];
